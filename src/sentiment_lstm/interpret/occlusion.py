"""Occlusion: leaves out parts of a text in turn and measures the change of its score.

Li, Monroe & Jurafsky 2016, "Understanding Neural Networks through Representation Erasure"; after
Zeiler & Fergus 2014. Knows a predictor and token ids, no characters.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.inference.predictor import Predictor
from sentiment_lstm.interpret.words import join_neighbours, without
from sentiment_lstm.records import Encoded

_READ = 400_000
"""Tokens that occlusion reads in total. In a long text it leaves out several words at a time."""
_SPANS = 16
"""The least number of spans that occlusion leaves out in turn, whatever they cost."""


def parts_to_leave_out(words: Sequence[range], tokens: int) -> list[range]:
    """Return the words, or in a long text groups of them, as token indices.

    Args:
        words: token indices of each word.
        tokens: the length of the text.
    """
    return join_neighbours(words, max(_SPANS, _READ // tokens))


def occlude(
    predictor: Predictor,
    encoded: Encoded,
    parts: Sequence[range],
    towards: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return how far f falls without each part, [N].

    The tokens of a part and their features are deleted, and the rest closes up.

    Args:
        predictor: runs the model.
        encoded: the text.
        parts: token indices of each part.
        towards: turns probabilities into f, [C].
    """
    texts = [encoded, *(without(encoded, part) for part in parts)]
    scores = predictor.score(texts) @ towards
    changes: NDArray[np.float64] = scores[0] - scores[1:]
    return changes
