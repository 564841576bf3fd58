"""What a run needs before its first update: settings, an initial model, a trainer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from sentiment_lstm.bundle import Bundle, is_bundle, load_bundle, with_temperature_one
from sentiment_lstm.data.corpus import Corpus
from sentiment_lstm.errors import TrainingError, UsageError
from sentiment_lstm.evaluation.polarity import find_poles, is_of_three
from sentiment_lstm.model.classifier import LSTMClassifier
from sentiment_lstm.model.weights import load_weights
from sentiment_lstm.provenance import bundle_name
from sentiment_lstm.records import Example
from sentiment_lstm.settings import Settings, TrainingSettings
from sentiment_lstm.text.identifiers import learnable
from sentiment_lstm.text.tokenizer import TextTokenizer
from sentiment_lstm.training import checkpoint
from sentiment_lstm.training.embeddings import word2vec
from sentiment_lstm.training.feed import Feed, make_feed
from sentiment_lstm.training.hardware import resolve_auto
from sentiment_lstm.training.listener import Listener
from sentiment_lstm.training.loop import Trainer
from sentiment_lstm.training.objective import Classification, balanced_weights
from sentiment_lstm.training.pretraining import FOLDER as LANGUAGE
from sentiment_lstm.weights_file import WIDE
from sentiment_lstm.wording import first_names


def load_initial_model(settings: Settings, folder: Path) -> Bundle | None:
    """The bundle of `training.init`; None if none is set, or if it is gone but not needed."""
    init = settings.training.init
    if not init or (_has_language_stage(settings, folder) and not is_bundle(Path(init))):
        return None
    return load_bundle(Path(init))


def resolve(settings: Settings, initial_model: Bundle | None) -> Settings:
    """Fill in the initial model's network and the `auto` values."""
    if initial_model:
        settings = _with_network_of(initial_model, settings)
    _check_language(settings)
    _check_multi_label(settings)
    return replace(settings, training=resolve_auto(settings.training))


def adapt_initial_model(
    initial_model: Bundle | None,
    settings: Settings,
    corpus: Corpus,
    folder: Path,
    listener: Listener,
) -> Bundle | None:
    """The initial model, with this version's cleaning of texts; None if it is not needed.

    Its logits are calibrated. It comes without its wide path, which is fitted anew.
    """
    if not initial_model or _has_language_stage(settings, folder):
        return None
    initial_model = with_temperature_one(initial_model)
    if is_of_three(initial_model.config.classes) and not corpus.multi_label:
        initial_model = _for_two_of_three(initial_model, corpus.classes)
    has_learnt_classes = bool(initial_model.weights["output.weight"].any())
    if has_learnt_classes and not has_outputs_for(initial_model, corpus):
        classes = first_names(initial_model.config.classes)
        why = (
            f"the classes differ. Map labels to {classes} (--label-map) to keep that of "
            f"{bundle_name(str(settings.training.init))}."
        )
        if initial_model.config.multi_label != corpus.multi_label:
            why = "only one of both models gives a text several labels."
        listener.on_note(f"The output layer is trained from scratch, because {why}")
    tokenizer = initial_model.tokenizer.cleaning_as_today(settings.text).with_features(None)
    network = {name: array for name, array in initial_model.weights.items() if name != WIDE}
    return replace(initial_model, tokenizer=tokenizer, weights=network)


def _for_two_of_three(model: Bundle, classes: tuple[str, ...]) -> Bundle:
    """The model with the outputs for negative and positive alone, if these are the classes.

    The logit of the second class is the difference of both logits, so the polarity stays.
    """
    known = model.config.classes
    pair = tuple(known[index] for index in find_poles(known))
    if classes not in (pair, pair[::-1]):
        return model
    first, second = map(known.index, classes)
    weights = {
        name: array[second : second + 1] - array[first : first + 1]
        if name.startswith("output.")
        else array
        for name, array in model.weights.items()
    }
    return replace(model, config=replace(model.config, classes=classes), weights=weights)


def has_outputs_for(model: Bundle, corpus: Corpus) -> bool:
    """Whether a model's output layer fits the corpus."""
    same_kind = model.config.multi_label == corpus.multi_label
    return same_kind and model.config.classes == corpus.classes


def choose_tokenizer(
    start: Bundle | None, examples: Sequence[Example], settings: Settings
) -> TextTokenizer:
    """The initial model's tokenizer. Without one, it is learnt from the training texts."""
    if start:
        return start.tokenizer
    texts = (example.text for example in examples)
    return TextTokenizer.learn(learnable(texts, private=settings.training.private), settings.text)


def make_trainer(
    settings: Settings,
    corpus: Corpus,
    tokenizer: TextTokenizer,
    start: Bundle | None,
    folder: Path,
) -> Trainer:
    """The trainer before its first update. `start` is the model to start from."""
    feed = make_feed(corpus, tokenizer, settings)
    is_fresh = not (folder / checkpoint.FILE).exists()
    model = _first_model(settings, feed, tokenizer, corpus, start, is_fresh=is_fresh)
    objective = _objective(settings.training, feed, len(corpus.classes))
    return Trainer(model, settings.training, feed, objective)


def _with_network_of(initial_model: Bundle, settings: Settings) -> Settings:
    """Network and vocabulary come from the bundle.

    Dropout, the size of the wide path and `max_tokens` come from the settings. Slips are corrected
    if the bundle or the settings ask for it.
    """
    model = replace(
        initial_model.config.model,
        dropout=settings.model.dropout,
        embedding_dropout=settings.model.embedding_dropout,
        wide_features=settings.model.wide_features,
    )
    text = replace(
        initial_model.config.text,
        max_tokens=settings.text.max_tokens,
        correct_slips=initial_model.config.text.correct_slips or settings.text.correct_slips,
    )
    return replace(settings, model=model, text=text)


def _check_language(settings: Settings) -> None:
    """Refuse unlabelled texts without a use, and settings that do not fit their use."""
    if settings.training.auto:
        return  # it decides how to use them
    self_training = settings.training.self_training
    if settings.language.sources and not (settings.language.epochs or self_training):
        raise UsageError(
            "Expected a use for the unlabelled texts, found none: set language.epochs or "
            "training.self_training, or leave --unlabelled out."
        )
    if self_training and not settings.language.sources:
        raise UsageError(
            "Expected unlabelled texts for training.self_training, found none: add --unlabelled."
        )
    if self_training and settings.data.streaming:
        raise UsageError(
            "Expected texts in memory for training.self_training, found --streaming: leave one of "
            "them out."
        )
    if settings.language.epochs and settings.model.bidirectional:
        raise UsageError(
            "Expected a model of one direction for a language model, found two: leave out "
            "--unlabelled and language.epochs, or model.bidirectional."
        )


def _check_multi_label(settings: Settings) -> None:
    """Refuse settings that need one class for each text, and sources of both kinds.

    Raises:
        UsageError: there are such settings or sources.
    """
    training = settings.training
    if any(source.multi_label != settings.data.multi_label for source in settings.mixture):
        raise UsageError(
            "Expected all sources to have one label per text, or all several, found both: set "
            "multi_label for all of them."
        )
    needs_classes = {
        "training.class_weights": training.class_weights,
        "training.self_training": training.self_training,
    }
    given = [name for name, value in needs_classes.items() if value]
    if settings.data.multi_label and given:
        raise UsageError(
            f"Expected one label for each text with {' and '.join(given)}, found --multi-label: "
            "leave one of them out."
        )


def _has_language_stage(settings: Settings, folder: Path) -> bool:
    """Whether the run has finished its language stage."""
    return bool(settings.language.epochs) and is_bundle(folder / LANGUAGE)


def _first_model(
    settings: Settings,
    feed: Feed,
    tokenizer: TextTokenizer,
    corpus: Corpus,
    start: Bundle | None,
    *,
    is_fresh: bool,
) -> LSTMClassifier:
    """The model before its first update. Skip costly steps when a checkpoint will be loaded."""
    torch.manual_seed(settings.training.seed)
    try:
        model = LSTMClassifier(
            settings.model, len(tokenizer), len(corpus.classes), multi_label=corpus.multi_label
        )
    except (RuntimeError, MemoryError) as error:
        raise TrainingError(
            "Expected a model that fits into memory, found none is left for it: "
            "lower model.hidden_size, model.embedding_size or text.vocabulary."
        ) from error
    if start:
        same_classes = has_outputs_for(start, corpus)
        kept = {k: v for k, v in start.weights.items() if same_classes or "output." not in k}
        load_weights(model, kept)
    elif is_fresh and settings.training.embeddings == "word2vec":
        vectors = word2vec(
            feed.sample.ids, len(tokenizer), settings.model.embedding_size, settings.training
        )
        with torch.no_grad():
            model.embedding.weight.copy_(torch.from_numpy(vectors))
    if is_fresh and settings.training.adversarial:
        model.normalise_embedding(torch.from_numpy(feed.token_counts(len(tokenizer))))
    return model


def _objective(settings: TrainingSettings, feed: Feed, classes: int) -> Classification:
    class_weights = None
    if settings.class_weights:
        sample = feed.sample
        class_weights = torch.from_numpy(balanced_weights(sample.labels, classes, sample.weights))
    return Classification(
        word_dropout=settings.word_dropout,
        class_weights=class_weights,
        adversarial=settings.adversarial,
        perturbation=settings.perturbation,
    )
