"""Explains a score: which words of a text moved it, and how far.

The explained value f is the calibrated probability of a label, usually the most probable one. If it
is compared with another class, f is the difference of both probabilities. A positive attribution
speaks for the label. The method is integrated gradients (`integrated_gradients`) if torch and
captum are installed, else occlusion. Knows a predictor, no torch and no terminal.
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
from sentiment_lstm.records import Encoded, is_empty
from sentiment_lstm.text.cleaning import WORD_START
from sentiment_lstm.wording import first_names

if TYPE_CHECKING:
    from sentiment_lstm.interpret.integrated_gradients import IntegratedGradients

MOST_TOKENS = 50_000
"""Longer texts are refused, because each attribution costs a reading of the whole text."""
GRADIENT_TOKENS = 4_000
"""Longer texts are explained by occlusion, because a gradient keeps every token in memory."""
_READ = 400_000
"""Tokens that occlusion reads in total. In a long text it leaves out several words at a time."""
_SPANS = 16
"""The least number of spans that occlusion leaves out in turn, whatever they cost."""
_FAINT = 0.1
"""A word is shown as plain text if its attribution is below this fraction of the strongest."""
_SIDES: tuple[Literal["first"], Literal["second"]] = ("first", "second")


class Segment(TypedDict):
    """A part of a text as `pages/words.html` shows it.

    `strength`: its attribution relative to the strongest one, from 0 to 1.
    """

    text: str
    strength: float
    towards: Literal["first", "second", ""]


@dataclass(frozen=True, slots=True)
class Attribution:
    """How far a part of a text moved f: a word, or several words of a long text.

    `text`: the part as written. `start`, `end`: its span in characters. `attribution`: the change
    of f, in units of probability.
    """

    text: str
    start: int
    end: int
    attribution: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a text got its label, or what speaks for another label.

    `score`: f of the text. `baseline_score`: f of the baseline, which is zero embeddings for
    integrated gradients and one unknown token for occlusion. `tokens`: the words in order.
    `completeness_error`: the difference between the sum of the attributions and
    `score - baseline_score`; None for occlusion, whose attributions need not add up. `against`:
    the class that the label is compared with, or None. `multi_label`: whether a text may have
    several labels. An empty text has no label: `label` is then only the class that was explained.
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
    multi_label: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether the text is empty, so that it has no label."""
        return is_empty(self.text)

    @property
    def sides(self) -> tuple[str, str]:
        """Return what words speak for: both classes in order, or other classes and the label."""
        if self._has_two_sides:
            return self.classes[0], self.classes[1]
        if self.multi_label and not self.against:
            return "against the label", "the label"
        return self.against or "other classes", self.label if self.against else "the verdict"

    def side(self, attribution: float) -> Literal[0, 1]:
        """Return the index in `sides` that an attribution speaks for."""
        label_is_first = self._has_two_sides and self.label == self.classes[0]
        return 1 if (attribution > 0) != label_is_first else 0

    @property
    def _has_two_sides(self) -> bool:
        """Whether words that speak against a class speak for the other one."""
        return len(self.classes) == 2 and not self.multi_label

    def f(self, probabilities: NDArray[np.float64]) -> float:
        """Return f for the probabilities [C] of this text or of its beginning."""
        return float(probabilities @ direction(self.classes, self.label, self.against))

    def strongest(self, most: int = 10) -> list[Attribution]:
        """Return the words that moved f furthest in either direction, the strongest first."""
        return sorted(self.tokens, key=lambda word: -abs(word.attribution))[:most]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON. An empty text has None as label and score."""
        return {
            "text": self.text,
            "label": None if self.is_empty else self.label,
            "against": self.against,
            "score": None if self.is_empty else self.score,
            "baseline_score": self.baseline_score,
            "completeness_error": self.completeness_error,
            "method": self.method,
            "tokens": [
                {"text": t.text, "start": t.start, "end": t.end, "attribution": t.attribution}
                for t in self.tokens
            ],
        }


def segments(explanation: Explanation) -> list[Segment]:
    """Cut the raw text into words with their strength and the text between the words.

    `towards` is "first" or "second", an index of `Explanation.sides`; it is empty for a faint word.
    """
    text = explanation.text
    parts: list[Segment] = []
    strongest = max((abs(word.attribution) for word in explanation.tokens), default=0.0)
    end = 0
    for word in explanation.tokens:
        strength = abs(word.attribution) / strongest if strongest else 0.0
        side = _SIDES[explanation.side(word.attribution)] if strength >= _FAINT else ""
        parts.append(Segment(text=text[end : word.start], strength=0.0, towards=""))
        parts.append(Segment(text=word.text, strength=strength, towards=side))
        end = word.end
    parts.append(Segment(text=text[end:], strength=0.0, towards=""))
    return [part for part in parts if part["text"]]


def direction(
    classes: Sequence[str], label: str, against: str | None = None
) -> NDArray[np.float64]:
    """Return the vector [C] that turns probabilities [C] into f: `f = probabilities @ direction`.

    Raises:
        UsageError: `label` or `against` is not a class, or both are the same.
    """
    if label not in classes:
        raise UsageError(
            f"Expected a class to explain among {first_names(classes)}, found {label!r}: name one."
        )
    others = [name for name in classes if name != label]
    if against is not None and against not in others:
        raise UsageError(
            f"Expected a class to compare {label} with among {first_names(others)}, found "
            f"{against!r}: name one of them."
        )
    return np.array([(name == label) - float(name == against) for name in classes])


class Explainer:
    """Explains the scores of a predictor.

    `gradients` is None if torch or captum is not installed. Then only occlusion explains.

    Args:
        bundle: the saved model.
        predictor: runs the model.
    """

    def __init__(self, bundle: Bundle, predictor: Predictor) -> None:
        self._bundle, self._predictor = bundle, predictor
        self.gradients = _gradients(bundle)

    def explain(
        self, text: str, against: str | None = None, *, label: str | None = None
    ) -> Explanation:
        """Attribute a text's score to its words.

        Integrated gradients use the float32 weights, so their `score` may differ by 0.01 from that
        of an int8 graph.

        Args:
            text: the raw text. With more than `GRADIENT_TOKENS` tokens it is explained by
                occlusion.
            against: another class. Then f is the label's probability minus this class's.
            label: the class to explain; None: the most probable one.

        Raises:
            UsageError: the text is not a string or has more than `MOST_TOKENS` tokens, `label` is
                no class, or `against` is not another class.
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
        probabilities = self._predictor.score([encoded])[0]
        label = self._predictor.classes[int(probabilities.argmax())] if label is None else label
        towards = direction(self._predictor.classes, label, against)
        words = words_of(self._bundle, encoded)
        if self.gradients is not None and len(ids) <= GRADIENT_TOKENS:
            result = _attribute_by_gradients(self.gradients, encoded, words, towards)
        else:
            words = join_neighbours(words, max(_SPANS, _READ // len(ids)))
            result = _attribute_by_occlusion(self._predictor, encoded, words, towards)
        return Explanation(
            text=text,
            label=label,
            against=against,
            classes=self._predictor.classes,
            score=result.score,
            baseline_score=result.baseline_score,
            completeness_error=result.error,
            method="occlusion" if result.error is None else "integrated gradients",
            tokens=_attributions(text, encoded, words, result.values),
            multi_label=self._predictor.multi_label,
        )


def words_of(bundle: Bundle, encoded: Encoded) -> list[range]:
    """Return the token indices of each word, in order. Words have no character in common.

    Args:
        bundle: holds the tokenizer that encoded the text.
        encoded: the text, with offsets.
    """
    assert encoded.offsets is not None
    whole_words = bundle.config.text.kind == "word"
    words: list[range] = []
    last_end = 0
    for index, (id_, (start, end)) in enumerate(
        zip(encoded.ids.tolist(), encoded.offsets.tolist(), strict=True)
    ):
        begins = whole_words or bundle.tokenizer.token(id_).startswith(WORD_START)
        if words and (not begins or start < last_end):  # two tokens may stand for one character
            words[-1] = range(words[-1].start, index + 1)
        else:
            words.append(range(index, index + 1))
        last_end = max(last_end, end)
    return words


def join_neighbours(words: Sequence[range], most: int) -> list[range]:
    """Join neighbouring words into at most `most` groups of equally many words.

    `join_neighbours([range(0, 1), range(1, 3), range(3, 4)], 2)` is `[range(0, 3), range(3, 4)]`.
    """
    size = -(-len(words) // most)
    return [
        range(group[0].start, group[-1].stop)
        for group in (words[first : first + size] for first in range(0, len(words), size))
    ]


def occlude(predictor: Predictor, encoded: Encoded, parts: Iterable[range]) -> NDArray[np.float64]:
    """Return the probabilities of a text without each of its parts, [N, C].

    The tokens of a part and their features are deleted, and the rest closes up (Li, Monroe &
    Jurafsky 2016, "Understanding Neural Networks through Representation Erasure"; after Zeiler &
    Fergus 2014).

    Args:
        predictor: runs the model.
        encoded: the text.
        parts: token indices of each part.
    """
    return predictor.score([without(encoded, part) for part in parts])


def without(encoded: Encoded, indices: Sequence[int]) -> Encoded:
    """Return a text without the tokens at `indices`; one unknown token if none is left."""
    kept = np.ones(len(encoded.ids), dtype=bool)
    kept[list(indices)] = False
    return encoded.kept(kept)


class _Attributed(NamedTuple):
    """Attributions [N] of a text's parts, f of the text and of the baseline, error if known."""

    values: NDArray[np.float64]
    score: float
    baseline_score: float
    error: float | None


def _attribute_by_gradients(
    gradients: IntegratedGradients,
    encoded: Encoded,
    words: Sequence[range],
    towards: NDArray[np.float64],
) -> _Attributed:
    path = gradients.attribute(encoded, towards)
    values = np.add.reduceat(path.values, [word.start for word in words])
    return _Attributed(values, path.score, path.baseline_score, path.error)


def _attribute_by_occlusion(
    predictor: Predictor,
    encoded: Encoded,
    parts: Sequence[range],
    towards: NDArray[np.float64],
) -> _Attributed:
    nothing = without(encoded, range(len(encoded.ids)))
    score, baseline = predictor.score([encoded, nothing]) @ towards
    occluded = occlude(predictor, encoded, parts) @ towards
    return _Attributed(score - occluded, float(score), float(baseline), None)


def _attributions(
    text: str, encoded: Encoded, parts: Sequence[range], values: NDArray[np.float64]
) -> tuple[Attribution, ...]:
    """Give each part its characters, from its first token's start to the last token end."""
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
