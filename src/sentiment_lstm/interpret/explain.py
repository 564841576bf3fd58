"""Explains a score: which words of a text moved it, and how far.

The explained value f is the calibrated probability of a label, usually the most probable one. If
the label is compared with another class, f is the difference of both probabilities. A positive
attribution speaks for the label. The method is contextual gradients (`contextual`). Models with two
directions or attention are explained by integrated gradients (`integrated_gradients`) if torch and
captum are installed, else by occlusion (`occlusion`). Knows a predictor, no torch and no terminal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.bundle import Bundle
from sentiment_lstm.errors import UsageError
from sentiment_lstm.inference.predictor import Predictor
from sentiment_lstm.interpret.attributed import Attributed, Method
from sentiment_lstm.interpret.contextual import ContextualGradients
from sentiment_lstm.interpret.function_words import pass_to_content_words
from sentiment_lstm.interpret.occlusion import occlude, parts_to_leave_out
from sentiment_lstm.interpret.phrases import phrases_of
from sentiment_lstm.interpret.target import Target
from sentiment_lstm.interpret.words import clauses_of, sentences_of, spans_of, without, words_of
from sentiment_lstm.records import Encoded, is_empty
from sentiment_lstm.wording import first_names

if TYPE_CHECKING:
    from sentiment_lstm.interpret.integrated_gradients import IntegratedGradients

MOST_TOKENS = 50_000
"""Longer texts are refused, because each attribution costs a reading of the whole text."""
GRADIENT_TOKENS = 4_000
"""Longer texts are explained by occlusion, because a gradient keeps every token in memory."""
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
    """How far a part of a text moved f: a word, a phrase, or several words of a long text.

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

    `score`: f of the text. `baseline_score`: f of the baseline. It is neutral text for contextual
    gradients, zero embeddings for integrated gradients, and one unknown token for occlusion.
    `tokens`: the words in order. `completeness_error`: the difference between the sum of the
    attributions and `score - baseline_score`; None for occlusion, whose attributions need not add
    up. `against`: the class that the label is compared with, or None. `multi_label`: whether a text
    may have several labels. An empty text has no label: `label` is then only the class that was
    explained. `phrases`: the phrases in order. Function words before a phrase and punctuation after
    it count with it, so the phrases have the same sum as the words. A long text that was explained
    by occlusion has none.
    """

    text: str
    label: str
    against: str | None
    classes: tuple[str, ...]
    score: float
    baseline_score: float
    completeness_error: float | None
    method: Method
    tokens: tuple[Attribution, ...]
    multi_label: bool = False
    phrases: tuple[Attribution, ...] = ()

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
        """Return the words that moved f furthest in either direction, the strongest first.

        A word that did not move f is left out, such as a function word whose attribution has passed
        to a content word.
        """
        return _strongest(self.tokens, most)

    def strongest_phrases(self, most: int = 5) -> list[Attribution]:
        """Return the phrases that moved f furthest, as `strongest` does for words."""
        return _strongest(self.phrases, most)

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
            "tokens": [asdict(word) for word in self.tokens],
            "phrases": [asdict(phrase) for phrase in self.phrases],
        }


def _strongest(parts: Sequence[Attribution], most: int) -> list[Attribution]:
    moved = [part for part in parts if part.attribution]
    return sorted(moved, key=lambda part: -abs(part.attribution))[:most]


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

    `contextual` is None if the model has two directions or attention. Then `gradients` are used.
    `gradients` are None if torch or captum is not installed. Then only occlusion is left.

    Args:
        bundle: the saved model.
        predictor: runs the model.
    """

    def __init__(self, bundle: Bundle, predictor: Predictor) -> None:
        self._bundle, self._predictor = bundle, predictor
        can_explain = ContextualGradients.can_explain(bundle)
        self.contextual = ContextualGradients(bundle) if can_explain else None

    @cached_property
    def gradients(self) -> IntegratedGradients | None:
        """Made when first needed, because it imports torch if torch is installed."""
        try:
            from sentiment_lstm.interpret.integrated_gradients import IntegratedGradients

            return IntegratedGradients(self._bundle)
        except ModuleNotFoundError:
            return None

    def explain(
        self, text: str, against: str | None = None, *, label: str | None = None
    ) -> Explanation:
        """Attribute a text's score to its words and phrases.

        Gradients use the float32 weights. So the `score` of integrated gradients may differ by 0.01
        from that of an int8 graph.

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
        if len(encoded.ids) > MOST_TOKENS:
            raise UsageError(
                f"Expected a text of at most {MOST_TOKENS:,} tokens to explain, found "
                f"{len(encoded.ids):,}: give a part of it."
            )
        probabilities = self._predictor.score([encoded])[0]
        classes = self._predictor.classes
        label = classes[int(probabilities.argmax())] if label is None else label
        towards = direction(classes, label, against)
        result = self._attribute(text, encoded, towards, probabilities)
        familiarity = self._predictor.familiarity_of([encoded])
        if familiarity is not None:
            result = result.less_certain(familiarity[0], towards, self._predictor.multi_label)
        return Explanation(
            text=text,
            label=label,
            against=against,
            classes=classes,
            score=result.score,
            baseline_score=result.baseline_score,
            completeness_error=result.error,
            method=result.method,
            tokens=_attributions(text, spans_of(encoded, result.words), result.values),
            multi_label=self._predictor.multi_label,
            phrases=self._phrases(text, encoded, result, towards),
        )

    def _attribute(
        self,
        text: str,
        encoded: Encoded,
        towards: NDArray[np.float64],
        probabilities: NDArray[np.float64],
    ) -> Attributed:
        """Attribute f by the best method that can explain this text."""
        words = words_of(self._bundle, encoded)
        if len(encoded.ids) > GRADIENT_TOKENS:
            return _by_occlusion(self._predictor, encoded, words, towards)
        if self.contextual is not None:
            spans = spans_of(encoded, words)
            clauses = clauses_of(text, spans)
            parts = [*sentences_of(text, spans), *clauses]
            target = Target.of(self._bundle.config, towards)
            score = float(probabilities @ towards)
            values, baseline = self.contextual.attribute(encoded, words, parts, target, score)
            values = pass_to_content_words(values, [text[a:b] for a, b in spans], clauses)
            error = abs(float(values.sum()) - (score - baseline))
            return Attributed("contextual gradients", words, values, score, baseline, error)
        if self.gradients is not None:
            path = self.gradients.attribute(encoded, towards)
            values = np.add.reduceat(path.values, [word.start for word in words])
            scores = path.score, path.baseline_score
            return Attributed("integrated gradients", words, values, *scores, path.error)
        return _by_occlusion(self._predictor, encoded, words, towards)

    def _phrases(
        self,
        text: str,
        encoded: Encoded,
        result: Attributed,
        towards: NDArray[np.float64],
    ) -> tuple[Attribution, ...]:
        """Return the phrases. Under occlusion, each phrase is left out in turn."""
        words = result.words
        if is_empty(text) or len(words) < len(words_of(self._bundle, encoded)):
            return ()
        spans = spans_of(encoded, words)
        cut = phrases_of([text[a:b] for a, b in spans], clauses_of(text, spans), result.values)
        characters = [(spans[p.words[0]][0], spans[p.words[-1]][1]) for p in cut]
        values = np.array([phrase.attribution for phrase in cut])
        if result.method == "occlusion":
            parts = [range(words[p.words[0]].start, words[p.words[-1]].stop) for p in cut]
            values = result.kept * occlude(self._predictor, encoded, parts, towards)
        return _attributions(text, characters, values)


def _by_occlusion(
    predictor: Predictor,
    encoded: Encoded,
    words: Sequence[range],
    towards: NDArray[np.float64],
) -> Attributed:
    parts = parts_to_leave_out(words, len(encoded.ids))
    nothing = without(encoded, range(len(encoded.ids)))
    score, baseline = predictor.score([encoded, nothing]) @ towards
    values = occlude(predictor, encoded, parts, towards)
    return Attributed("occlusion", parts, values, float(score), float(baseline), None)


def _attributions(
    text: str, spans: Sequence[tuple[int, int]], values: NDArray[np.float64]
) -> tuple[Attribution, ...]:
    """Give each part its characters."""
    return tuple(
        Attribution(text[start:end], start, end, value)
        for (start, end), value in zip(spans, values.tolist(), strict=True)
    )
