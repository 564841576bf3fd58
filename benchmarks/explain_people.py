"""Whether explanations name the words that people would name.

*Agreement*: people edited reviews as little as possible, to turn the label. The words that they put
in should speak for the new label. *Function words* and punctuation should not be among the
strongest words. `explain.py` prints both.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from sentiment_lstm.interpret.explain import Explainer, Explanation
from sentiment_lstm.interpret.function_words import is_function_word

METHODS = ("contextual gradients", "integrated gradients", "occlusion")
NEGATIVE, POSITIVE = "negative", "positive"
_SHARED = 0.3
"""The least fraction of an edited text's runs of words that its original must share."""
_RUN = 4
"""Words in a run."""
_RESAMPLES = 2_000


class Pair(NamedTuple):
    """A review that people edited, its original, and the label of the edited text."""

    edited: str
    original: str
    label: str


def explain_by(
    explainer: Explainer, method: str, text: str, label: str | None = None
) -> Explanation:
    """Explain a text by one of `METHODS`.

    Raises:
        ValueError: this method cannot explain this text or this model, or torch or captum is
            missing.
    """
    contextual, gradients = explainer.contextual, explainer.gradients
    try:
        explainer.contextual = contextual if method == METHODS[0] else None
        explainer.gradients = gradients if method == METHODS[1] else None
        explanation = explainer.explain(text, label=label)
    finally:
        explainer.contextual, explainer.gradients = contextual, gradients
    if explanation.method != method:
        raise ValueError(f"Expected {method}, found {explanation.method}.")
    return explanation


def read_pairs(path: Path) -> list[Pair]:
    """Read lines of JSON with `original`, `original_label`, `edited` and `label` (1 or 0).

    Some files hold the originals in another order than the edited texts. So the original of a text
    is that with the other label that shares most runs of four words with it. Edited texts without a
    similar original are left out.
    """
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    originals = [(row["original"], row["original_label"]) for row in rows]
    runs = [_runs(text) for text, _ in originals]
    pairs = []
    for row in rows:
        mine = _runs(row["edited"])
        shared = [
            len(mine & theirs) / max(1, len(mine)) if label != row["label"] else 0.0
            for theirs, (_, label) in zip(runs, originals, strict=True)
        ]
        best = int(np.argmax(shared))
        if shared[best] >= _SHARED:
            label = POSITIVE if row["label"] else NEGATIVE
            pairs.append(Pair(row["edited"], originals[best][0], label))
    return pairs


def _runs(text: str) -> set[tuple[str, ...]]:
    words = text.lower().split()
    return {tuple(words[first : first + _RUN]) for first in range(len(words) - _RUN + 1)}


def new_words(edited: Sequence[str], original: Sequence[str]) -> NDArray[np.bool_]:
    """Whether each word of the edited text is new, [N]."""
    matcher = difflib.SequenceMatcher(a=original, b=edited, autojunk=False)
    new = np.ones(len(edited), dtype=bool)
    for match in matcher.get_matching_blocks():
        new[match.b : match.b + match.size] = False
    return new


def area_under_curve(values: NDArray[np.float64], new: NDArray[np.bool_]) -> float:
    """How often a new word has a larger value than an old one; ties count half."""
    differences = values[new][:, None] - values[~new][None]
    return float((differences > 0).mean() + (differences == 0).mean() / 2)


def precision(values: NDArray[np.float64], new: NDArray[np.bool_]) -> float:
    """How many of the first k words are new; k is the number of new words."""
    return float(new[np.argsort(-values, kind="stable")[: new.sum()]].mean())


def measure_agreement(
    explainer: Explainer, split: Callable[[str], Sequence[str]], pairs: Sequence[Pair]
) -> dict[str, Any]:
    """Return both measures of each method, and the gain over integrated gradients.

    Args:
        explainer: explains the texts.
        split: the words of a text, as explanations have them.
        pairs: the edited texts. Those without a new or without an old word are left out.
    """
    rows: dict[str, list[tuple[float, float]]] = {method: [] for method in METHODS}
    for pair in track(pairs, "agreement", console=Console(stderr=True)):
        new = new_words(
            *([w.lower() for w in split(text)] for text in (pair.edited, pair.original))
        )
        if new.all() or not new.any():
            continue
        for method, values in rows.items():
            explanation = explain_by(explainer, method, pair.edited, pair.label)
            attributions = np.array([word.attribution for word in explanation.tokens])
            values.append((area_under_curve(attributions, new), precision(attributions, new)))
    arrays = {method: np.array(values) for method, values in rows.items()}
    names = ("area under the curve", "precision")
    means = {m: dict(zip(names, a.mean(axis=0).tolist(), strict=True)) for m, a in arrays.items()}
    gains = arrays[METHODS[0]] - arrays[METHODS[1]]
    intervals = {name: _interval(gains[:, column]) for column, name in enumerate(names)}
    return {"pairs": len(gains), "means": means, "gain over integrated gradients": intervals}


def _interval(gains: NDArray[np.float64]) -> dict[str, float]:
    """Return the mean and its 95% bootstrap interval over the texts."""
    random = np.random.default_rng(0)
    means = gains[random.integers(len(gains), size=(_RESAMPLES, len(gains)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975]).tolist()
    return {"mean": float(gains.mean()), "low": low, "high": high}


def count_function_words(explainer: Explainer, texts: Sequence[str]) -> Mapping[str, float]:
    """Return the fraction of texts with a function word among the three strongest words."""
    fractions: dict[str, list[bool]] = {method: [] for method in METHODS}
    for text in track(texts, "function words", console=Console(stderr=True)):
        for method, values in fractions.items():
            strongest = explain_by(explainer, method, text).strongest(3)
            values.append(any(is_function_word(word.text) for word in strongest))
    return {method: float(np.mean(values)) for method, values in fractions.items()}
