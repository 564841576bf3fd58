"""Which words of a text moved its score, and how far. Knows a predictor, no torch, no terminal.

What is explained is f, the calibrated probability of the text's label; asked "why not that class",
f is the label's probability less that class's. A positive attribution speaks for the label. By
integrated gradients (`integrated`) where torch and captum are installed, else by occlusion.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.bundle import Bundle
from sentiment_lstm.errors import UsageError
from sentiment_lstm.inference.predictor import Predictor
from sentiment_lstm.records import UNKNOWN_ID, Encoded
from sentiment_lstm.text.cleaning import WORD_START

if TYPE_CHECKING:
    from sentiment_lstm.interpret.integrated_gradients import IntegratedGradients

MOST_TOKENS = 50_000
"""Longer texts are refused: every attribution costs a reading of the whole text."""
GRADIENT_TOKENS = 4_000
"""Longer texts are explained by occlusion: a gradient remembers every token of its path."""
_READ = 400_000
"""Tokens that occlusion reads in all: long texts lose several words at a time."""
_SPANS = 16
"""It takes out at least that many spans, whatever they cost."""
_FAINT = 0.1
"""A word with less than this share of the strongest one's attribution is shown as plain text."""
_SIDES: tuple[Literal["first"], Literal["second"]] = ("first", "second")


class Segment(TypedDict):
    """A part of a text, to be shown by `pages/words.html`."""

    text: str
    share: float
    towards: Literal["first", "second", ""]


@dataclass(frozen=True, slots=True)
class Attribution:
    """What a part of a text did: a word, or in long texts several.

    `text` is as it was written, from character `start` to before `end`; `attribution` how far it
    moved f, in units of probability.
    """

    text: str
    start: int
    end: int
    attribution: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a text got its label.

    `score` is f of the text, `baseline_score` f of the text that says nothing. `tokens` are the
    words in order. Integrated gradients add up to `score - baseline_score`, but for
    `completeness_error` (None by occlusion, which need not add up). `against` is the class that
    the label is compared with, None: no one.
    """

    text: str
    label: str
    against: str | None
    classes: tuple[str, ...]
    score: float
    baseline_score: float
    completeness_error: float | None
    method: Literal["integrated gradients", "occlusion"]
    tokens: tuple[Attribution, ...]

    @property
    def sides(self) -> tuple[str, str]:
        """What a word can speak for: two classes in their order, or all others and the verdict."""
        if len(self.classes) == 2:
            return self.classes[0], self.classes[1]
        return self.against or "other classes", self.label if self.against else "the verdict"

    def side(self, attribution: float) -> Literal[0, 1]:
        """Which of the `sides` an attribution speaks for."""
        label_is_first = len(self.classes) == 2 and self.label == self.classes[0]
        return 1 if (attribution > 0) != label_is_first else 0

    def f(self, probabilities: NDArray[np.float64]) -> float:
        """What is explained, from the probabilities [C] of this text or of its beginning."""
        return float(probabilities @ direction(self.classes, self.label, self.against))

    def strongest(self, most: int = 10) -> list[Attribution]:
        """The words that moved f furthest, in either direction, the furthest first."""
        return sorted(self.tokens, key=lambda one: -abs(one.attribution))[:most]

    def to_dict(self) -> dict[str, Any]:
        """The explanation as JSON holds it."""
        return {
            "text": self.text,
            "label": self.label,
            "against": self.against,
            "score": self.score,
            "baseline_score": self.baseline_score,
            "completeness_error": self.completeness_error,
            "method": self.method,
            "tokens": [
                {"text": t.text, "start": t.start, "end": t.end, "attribution": t.attribution}
                for t in self.tokens
            ],
        }


def segments(found: Explanation) -> list[Segment]:
    """The whole raw text in parts: words with their share of the strongest, and what lies between.

    `towards` is "first" or "second" as one of `Explanation.sides`, and empty for a faint word.
    """
    parts: list[Segment] = []
    strongest = max((abs(one.attribution) for one in found.tokens), default=0.0)
    end = 0
    for one in found.tokens:
        share = abs(one.attribution) / strongest if strongest else 0.0
        side = _SIDES[found.side(one.attribution)] if share >= _FAINT else ""
        parts.append(Segment(text=found.text[end : one.start], share=0.0, towards=""))
        parts.append(Segment(text=one.text, share=share, towards=side))
        end = one.end
    parts.append(Segment(text=found.text[end:], share=0.0, towards=""))
    return [part for part in parts if part["text"]]


def direction(
    classes: Sequence[str], label: str, against: str | None = None
) -> NDArray[np.float64]:
    """The vector [C] that makes f of a text's probabilities [C]: `probabilities @ direction`.

    Raises:
        UsageError: `against` is no class, or the label itself.
    """
    others = [name for name in classes if name != label]
    if against is not None and against not in others:
        raise UsageError(
            f"Expected a class to compare {label} with among {', '.join(others)}, found "
            f"{against!r}: name one of them."
        )
    return np.array([(name == label) - float(name == against) for name in classes])


class Explainer:
    """Explains what a predictor says.

    `gradients` is None where torch or captum is not installed: then by occlusion alone.

    Args:
        bundle: the saved model.
        predictor: what runs it.
    """

    def __init__(self, bundle: Bundle, predictor: Predictor) -> None:
        self._bundle, self._predictor = bundle, predictor
        self.gradients = _gradients(bundle)

    def explain(self, text: str, against: str | None = None) -> Explanation:
        """Attribute a text's score to its words.

        The label is the predictor's. By integrated gradients `score` is what the float32 weights
        say, which a graph in int8 may differ from by 0.01.

        Args:
            text: the raw text; of more than `GRADIENT_TOKENS` tokens it is explained by occlusion.
            against: a class; f is then the label's probability less this one's.

        Raises:
            UsageError: the text is no string or has more than `MOST_TOKENS` tokens, or `against` is
                no other class.
        """
        if not isinstance(text, str):
            raise UsageError(f"Expected one text to explain, found {type(text).__name__}.")
        (encoded,) = self._predictor.tokenizer.encode([text], offsets=True)
        ids = encoded.ids
        if len(ids) > MOST_TOKENS:
            raise UsageError(
                f"Expected a text of at most {MOST_TOKENS:,} tokens to explain, found "
                f"{len(ids):,}: give a part of it."
            )
        share = self._predictor.calibrated(self._predictor.runtime.score([ids]))[0]
        label = str(self._predictor.label(share))
        towards = direction(self._predictor.classes, label, against)
        words = words_of(self._bundle, encoded)
        if self.gradients is not None and len(ids) <= GRADIENT_TOKENS:
            found = _integrated(self.gradients, ids, words, towards)
        else:
            words = joined(words, max(_SPANS, _READ // len(ids)))
            found = _by_occlusion(self._predictor, ids, words, towards)
        return Explanation(
            text=text,
            label=label,
            against=against,
            classes=self._predictor.classes,
            score=found.score,
            baseline_score=found.baseline_score,
            completeness_error=found.error,
            method="occlusion" if found.error is None else "integrated gradients",
            tokens=_attributions(text, encoded, words, found.values),
        )


def words_of(bundle: Bundle, encoded: Encoded) -> list[range]:
    """The places of each word's tokens, in order; words share no character.

    Args:
        bundle: whose tokenizer cut the text.
        encoded: the text, with offsets.
    """
    assert encoded.offsets is not None
    by_words = bundle.config.text.kind == "word"
    found: list[range] = []
    reached = 0
    for place, (id_, (start, end)) in enumerate(
        zip(encoded.ids.tolist(), encoded.offsets.tolist(), strict=True)
    ):
        begins = by_words or bundle.tokenizer.token(id_).startswith(WORD_START)
        if found and (not begins or start < reached):  # two tokens may stand for one character
            found[-1] = range(found[-1].start, place + 1)
        else:
            found.append(range(place, place + 1))
        reached = max(reached, end)
    return found


def joined(words: Sequence[range], most: int) -> list[range]:
    """Neighbours put together, equally many each, until there are at most `most`.

    `joined([range(0, 1), range(1, 3), range(3, 4)], 2)` is `[range(0, 3), range(3, 4)]`.
    """
    size = -(-len(words) // most)
    return [
        range(group[0].start, group[-1].stop)
        for group in (words[first : first + size] for first in range(0, len(words), size))
    ]


def occluded(
    predictor: Predictor, ids: NDArray[np.int32], parts: Iterable[range]
) -> NDArray[np.float64]:
    """The probabilities of a text without each of its parts, [N, C].

    The tokens are taken out, as words of a sentence would be (Li, Monroe & Jurafsky 2016,
    "Understanding Neural Networks through Representation Erasure"; after the grey squares of
    Zeiler & Fergus 2014), and the text closes up. One of which nothing is left is an empty one.

    Args:
        predictor: of any runtime.
        ids: the text, [T].
        parts: places in `ids`.
    """
    return predictor.shares([without(ids, part) for part in parts])


def without(ids: NDArray[np.int32], places: Sequence[int]) -> NDArray[np.int32]:
    """A text without some of its tokens; one unknown token where nothing is left."""
    left: NDArray[np.int32] = np.delete(ids, places)
    return left if len(left) else np.array([UNKNOWN_ID], dtype=np.int32)


class _Found(NamedTuple):
    """Attributions [N] of a text's parts, f of the text and of nothing, and the error if known."""

    values: NDArray[np.float64]
    score: float
    baseline_score: float
    error: float | None


def _integrated(
    gradients: IntegratedGradients,
    ids: NDArray[np.int32],
    words: Sequence[range],
    towards: NDArray[np.float64],
) -> _Found:
    path = gradients.attribute(ids, towards)
    values = np.add.reduceat(path.values, [word.start for word in words])
    return _Found(values, path.score, path.baseline_score, path.error)


def _by_occlusion(
    predictor: Predictor,
    ids: NDArray[np.int32],
    parts: Sequence[range],
    towards: NDArray[np.float64],
) -> _Found:
    score, baseline = predictor.shares([ids, without(ids, range(len(ids)))]) @ towards
    left = occluded(predictor, ids, parts) @ towards
    return _Found(score - left, float(score), float(baseline), None)


def _attributions(
    text: str, encoded: Encoded, parts: Sequence[range], values: NDArray[np.float64]
) -> tuple[Attribution, ...]:
    """Each part's characters, from its first token's to the furthest that one of them reaches."""
    assert encoded.offsets is not None
    spans = [encoded.offsets[part.start : part.stop] for part in parts]
    ends = [(int(span[0, 0]), int(span[:, 1].max())) for span in spans]
    return tuple(
        Attribution(text[start:end], start, end, value)
        for (start, end), value in zip(ends, values.tolist(), strict=True)
    )


def _gradients(bundle: Bundle) -> IntegratedGradients | None:
    try:
        from sentiment_lstm.interpret.integrated_gradients import IntegratedGradients

        return IntegratedGradients(bundle)
    except ModuleNotFoundError:
        return None
