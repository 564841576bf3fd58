"""Preset `auto`: looks at the texts of a training, and chooses its settings.

All numbers were chosen on parts of training splits (`docs/log.md`). No rule depends on a
particular data set.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from sentiment_lstm.bundle import STARTS, Bundle, is_bundle, load_bundle
from sentiment_lstm.data.corpus import Corpus
from sentiment_lstm.data.open import has_own_validation
from sentiment_lstm.presets import FIXED_BY_START
from sentiment_lstm.provenance import bundle_name, data_sets, registered_set
from sentiment_lstm.records import UNKNOWN_ID, output_units
from sentiment_lstm.settings import DataSettings, Settings, TrainingSettings
from sentiment_lstm.text.cleaning import UNSPACED
from sentiment_lstm.text.tokenizer import TextTokenizer
from sentiment_lstm.training.ranks import rank_count

START = STARTS / "english"
"""The model to start from if the texts are in its language."""
_LOOKED_AT = 1_000
"""Texts whose words are counted."""
_WHOLE_WORDS = 0.6
"""Texts are in English if the start's tokenizer leaves at least this fraction of words whole. It
leaves .6 to .93 whole in English, and at most .43 in German, French, Italian or Dutch."""
_ENGLISH = frozenset(
    {
        *("the", "and", "that", "with", "you", "this", "my", "are"),
        *("not", "but", "it", "what", "how", "can", "from", "they"),
    }
)
_ENGLISH_WORDS = 0.08
"""Or at least this fraction is in `_ENGLISH`. It recognises English with many rare words."""
_UNSPACED = re.compile(f"[{UNSPACED}]")
"""A letter of a script without spaces between words."""
_UNSPACED_FRACTION = 0.1
"""Texts with a larger fraction of such letters are cut into pieces. The limit is low, because a
Chinese letter stands for about three letters of an alphabet."""
_LETTERS_PER_PIECE = 2.0
"""Texts without spaces have about one token for two letters."""
_BATCH_TEXTS = 32
_MOST_WEIGHTS = 5_000_000
"""Weights of the wide path. In half precision they take 10 MB."""
_MOST_FEATURES = 200_000
_FEW, _MANY = 2_000, 30_000
"""Up to `_FEW` texts, four trials share the texts. From `_MANY` on, 10% are kept for validation."""
_TEXT_TOKENS = 300
"""A training reads at most this many tokens of a text."""
_MOST_TOKENS = {True: 5_000_000, False: 12_000_000}
"""Tokens that a training reads in about three minutes on two cores. True: from a start model.
False: from nothing, with a smaller network."""
_OWN_USE = {"language.epochs", "training.self_training"}
"""With one of these settings, the user decides how texts without labels are used."""


@dataclass(frozen=True, slots=True)
class Look:
    """Numbers that describe the texts.

    `texts`: their number. `classes`: texts of each class. `words`: the mean number of words of a
    text, or of pieces where no spaces separate words. `whole_words`: the fraction of words that the
    start's tokenizer knows; 0 if there is no such model. `english_words`: the fraction of the
    commonest English words. `has_spaces`: whether white space separates words. `multi_label`:
    whether a text may have several classes. `has_validation`: whether the source has a validation
    split of its own. `start_has_read`: whether the start has learnt labels of the same data set.
    `streaming`: whether more texts will be read later.
    """

    texts: int
    classes: Counter[str]
    words: float
    whole_words: float
    english_words: float
    has_spaces: bool
    has_validation: bool
    start_has_read: bool
    streaming: bool
    multi_label: bool = False

    @property
    def is_english(self) -> bool:
        """Whether the texts seem to be in English; false if there is no start."""
        fits = self.whole_words >= _WHOLE_WORDS or self.english_words >= _ENGLISH_WORDS
        return self.has_spaces and bool(self.whole_words) and fits

    @property
    def start_fits(self) -> bool:
        """Whether to start from `START`.

        If the start has learnt the labels of the validation texts, they cannot calibrate the model.
        """
        return self.is_english and (self.has_validation or not self.start_has_read)


def look(corpus: Corpus, data: DataSettings) -> Look:
    """Count the texts, classes and words of a corpus."""
    start = load_bundle(START) if is_bundle(START) else None
    examples = [*corpus.sample, *corpus.validation]
    texts = [example.text for example in examples[:: max(1, len(examples) // _LOOKED_AT)]]
    cut = TextTokenizer.learn(texts, Settings().text)
    words = [word for text in texts for word in cut.words(text)]
    letters = [word for word in words if word.isalpha()]
    unspaced = sum(len(_UNSPACED.findall(word)) for word in words)
    return Look(
        texts=len(examples),
        classes=Counter(name for example in examples for name in example.all_labels),
        words=(len(words) + unspaced / _LETTERS_PER_PIECE) / len(texts),
        whole_words=_whole_words(start, letters),
        english_words=sum(word in _ENGLISH for word in letters) / max(1, len(letters)),
        has_spaces=unspaced <= _UNSPACED_FRACTION * sum(map(len, words)),
        multi_label=corpus.multi_label,
        start_has_read=has_read(start, data.source),
        has_validation=has_own_validation(data),
        streaming=corpus.streaming,
    )


def has_read(start: Bundle | None, source: str) -> bool:
    """Whether the start was trained on this data set."""
    entry = registered_set(source)
    if start is None or entry is None:
        return False
    return entry.name in data_sets(start.config.provenance)


def start_is_given(given: Collection[str]) -> bool:
    """Whether a setting of the user decides the model to start from."""
    return not {"training.init", *FIXED_BY_START}.isdisjoint(given)


def choose(settings: Settings, seen: Look) -> Settings:
    """Fill in all settings that `training.given` does not name.

    If it names the size of the network or of the vocabulary, the training starts from nothing.
    """
    given = set(settings.training.given)
    from_start = (
        bool(settings.training.init)
        if "training.init" in given
        else seen.start_fits and not given & FIXED_BY_START
    )
    plan = _plan(settings, seen, from_start)
    changes = _network(seen, from_start) | plan | _suited_to(settings.training)
    if settings.language.sources and not (given & _OWN_USE or seen.multi_label or seen.streaming):
        changes |= {"training.self_training": True, "language.epochs": 0}
    chosen = settings.updated({k: v for k, v in changes.items() if k not in given})
    return replace(chosen, training=replace(chosen.training, auto=False))


def explain(settings: Settings, seen: Look) -> list[str]:
    """Describe in five lines the texts, the chosen settings, and the reasons."""
    training, (largest, *_, smallest) = settings.training, seen.classes.most_common()
    kind = "labels (several per text)" if seen.multi_label else "classes"
    return [
        f"auto: {seen.texts:,} texts of {seen.words:.0f} words on average, {len(seen.classes)} "
        f"{kind}, {largest[1] / seen.texts:.0%} in the largest ({largest[0]}), "
        f"{smallest[1]:,} in the smallest ({smallest[0]})",
        f"auto: {_explain_start(settings, seen)}",
        f"auto: beside the LSTM a wide path of at most {settings.model.wide_features:,} words, "
        "pairs of words and character n-grams"
        if settings.model.wide_features
        else "auto: no wide path beside the LSTM",
        f"auto: {_explain_length(settings, seen)}; learning rate {training.learning_rate:g}",
        f"auto: {_explain_trials(settings, seen)}",
    ]


def _explain_start(settings: Settings, seen: Look) -> str:
    given = set(settings.training.given)
    if settings.training.init:
        name = bundle_name(settings.training.init)
        why = "" if "training.init" in given else f"; it knows {seen.whole_words:.0%} of the words"
        return f"start from the model {name}{why}"
    fixed = sorted(given & {"training.init", *FIXED_BY_START})
    why = (
        "the shipped start was trained on these labels"
        if seen.start_has_read
        else "the texts are not in English"
    )
    return (
        f"start from nothing: hidden size {settings.model.hidden_size}, {settings.text.kind} "
        f"tokens; {f'{fixed[0]} is given' if fixed else why}"
    )


def _explain_length(settings: Settings, seen: Look) -> str:
    training = settings.training
    if not training.max_steps:
        return f"{training.epochs} passes over the texts"
    if not training.batch_texts:
        return f"at most {training.max_steps:,} updates of {training.batch_tokens:,} tokens"
    texts = _texts_of_batch(training, seen, settings.text.max_tokens)
    passes = training.max_steps * texts / seen.texts
    return (
        f"at most {training.max_steps:,} updates of at most {training.batch_texts} texts, about "
        f"{passes:.1f} passes"
    )


def _explain_trials(settings: Settings, seen: Look) -> str:
    twice = (
        "; each training is repeated with the unlabelled texts, which the first model has labelled"
        if settings.training.self_training
        else ""
    )
    return _explain_validation(settings, seen) + twice


def _explain_validation(settings: Settings, seen: Look) -> str:
    trials = settings.training.trials
    if trials > 1:
        return f"{trials} trials calibrate, then train on all texts"
    if trials == 1:
        return "one trial without the validation texts calibrates, then train on all texts"
    if seen.has_validation:
        return "the source's own validation texts calibrate"
    return f"keep {settings.data.validation:.0%} of the texts to validate and calibrate"


def _network(seen: Look, from_start: bool) -> dict[str, object]:
    """The start, or the size of a new network; dropout; the wide path."""
    units = output_units(len(seen.classes), multi_label=seen.multi_label)
    network: dict[str, object] = {
        "model.dropout": 0.5,
        "model.embedding_dropout": 0.5,
        "model.wide_features": min(_MOST_FEATURES, _MOST_WEIGHTS // units),
    }
    if from_start:
        return network | {"training.init": str(START)}
    return network | {
        "text.kind": "word" if seen.has_spaces else "bpe",
        "text.vocabulary": 20_000 if seen.has_spaces else 8_000,
        "model.hidden_size": 128,
        "model.layers": 1,
        "model.pooling": "max+mean+last",
    }


def _plan(settings: Settings, seen: Look, from_start: bool) -> dict[str, object]:
    """Updates, batches, learning rate, and the texts to leave out."""
    passes = 5 * math.sqrt(5_000 / seen.texts) * (len(seen.classes) / 4) ** 0.25
    passes = min(40.0, max(3.0, passes))
    is_given = "text.max_tokens" in settings.training.given
    most_tokens = (is_given and settings.text.max_tokens) or _TEXT_TOKENS
    tokens = max(1.0, min(seen.words, most_tokens) * seen.texts)
    within_time = _MOST_TOKENS[from_start] / tokens
    passes = min(passes * (1.0 if from_start else 1.5), within_time)
    limit_is_off = (
        "training.max_steps" in settings.training.given and not settings.training.max_steps
    )
    has_start = from_start or settings.training.init is not None
    alone = seen.has_validation or seen.streaming or seen.texts >= _MANY
    trials = 0 if alone or within_time < 1 else 1 if seen.texts > _FEW else 4
    return {
        "text.max_tokens": _TEXT_TOKENS,
        "training.batch_texts": _BATCH_TEXTS,
        "training.max_steps": max(
            1, round(passes * seen.texts / _texts_of_batch(settings.training, seen, most_tokens))
        ),
        "training.epochs": math.ceil(passes) if limit_is_off else 1_000,
        "training.patience": 0,
        "training.keep": "last",
        "training.trials": trials,
        # Several processes must train the same, but rounding could make them choose differently.
        "training.linear_probe": has_start and trials > 1 and rank_count() == 1,
        "training.learning_rate": round(_rate(len(seen.classes)), 5),
        "training.decay": "linear",
        "training.weight_average": 0.998,
        "training.weight_decay": 0.01,
        "training.word_dropout": 0.25,
    }


def _whole_words(start: Bundle | None, words: Sequence[str]) -> float:
    """The fraction of words that are one token of the start's tokenizer."""
    if not (start and words):
        return 0.0
    encoded = start.tokenizer.encode(words)
    whole = sum(len(each.ids) == 1 and int(each.ids[0]) != UNKNOWN_ID for each in encoded)
    return whole / len(words)


def _rate(classes: int) -> float:
    """The highest learning rate. More classes need a higher one: 0.003 for four, 0.0054 for 77."""
    return float(min(6e-3, max(2.5e-3, 3e-3 * (classes / 4) ** 0.2)))


def _texts_of_batch(training: TrainingSettings, seen: Look, most_tokens: int) -> float:
    """About how many texts a batch has. Both its limits count."""
    within_tokens = max(1.0, training.batch_tokens / max(1.0, min(seen.words, most_tokens)))
    is_given = "training.batch_texts" in training.given
    most_texts = training.batch_texts if is_given else _BATCH_TEXTS
    return min(most_texts or math.inf, within_tokens)


def _suited_to(training: TrainingSettings) -> dict[str, object]:
    """Settings of the plan that must change because of a given setting."""
    changes: dict[str, object] = {}
    if "training.epochs" in training.given:
        changes["training.max_steps"] = 0
    stops_early = "training.patience" in training.given and training.patience
    keeps_best = "training.keep" in training.given and training.keep == "best"
    if stops_early or keeps_best:  # the last training needs validation texts for that
        changes["training.trials"] = 0
    return changes
