"""What a method of explanation says about a text, in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.inference.unfamiliar import base_probability, kept_part

Method = Literal["contextual gradients", "integrated gradients", "occlusion"]


class Attributed(NamedTuple):
    """Parts of a text as token indices, their attributions [N], f of the text and the baseline.

    `error`: how far the attributions are from adding up; None if they need not. `kept`: the factor
    that lowers all of them if the text is unfamiliar.
    """

    method: Method
    words: Sequence[range]
    values: NDArray[np.float64]
    score: float
    baseline_score: float
    error: float | None
    kept: float = 1.0

    def less_certain(
        self, familiarity: float, towards: NDArray[np.float64], multi_label: bool
    ) -> Attributed:
        """Lower f as `inference.unfamiliar.less_certain` lowers the probabilities of the text.

        f and its changes shrink by the same factor, so the attributions still add up.

        Args:
            familiarity: of the text, from 0 to 1.
            towards: turns probabilities into f, [C].
            multi_label: whether a text may have several labels.
        """
        kept = float(kept_part(np.array(familiarity)))
        if kept == 1:
            return self
        base = base_probability(len(towards), multi_label=multi_label) * float(towards.sum())
        return self._replace(
            values=kept * self.values,
            score=base + kept * (self.score - base),
            baseline_score=base + kept * (self.baseline_score - base),
            error=None if self.error is None else kept * self.error,
            kept=kept,
        )
