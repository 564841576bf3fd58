"""What a runtime owes the rest: logits for token ids. Knows neither text nor labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Runtime(Protocol):
    """A way to run a model's weights."""

    def score(self, ids: Sequence[NDArray[np.int32]]) -> NDArray[np.float32]:
        """Score texts, best of nearly equal length: they are padded to the longest.

        A text's score depends neither on the others nor on the padding (to 1e-6).

        Args:
            ids: N texts of at least one token id each, each int32 [T].

        Returns:
            Logits: [N] of the second class where there are two classes, else [N, C].
        """
        ...
