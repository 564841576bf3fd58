"""A class for `map_batches` of Ray Data."""

from __future__ import annotations

import os
from typing import Any

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import Bundle
from sentiment_lstm.frames import score_frame


class ScoreBatches:
    """Adds the predictions to batches of Arrow or pandas: a worker of `Dataset.map_batches`.

    Use it with `batch_format="pyarrow"` or `"pandas"`. Each of Ray's workers opens the model once.

    Args:
        model: the bundle of a model, which Ray sends to its workers; or the name of a model, as
            `SentimentClassifier.from_pretrained` takes it, which each worker finds by itself.
        column: the column of texts.
        probabilities: also add the probability of each class.
        threads: the CPU threads of a worker. Give `map_batches` the same `num_cpus`.

    Raises:
        BundleError: there is no model of this name.
    """

    def __init__(
        self,
        model: Bundle | str | os.PathLike[str],
        column: str,
        *,
        probabilities: bool = False,
        threads: int = 1,
    ) -> None:
        self._classifier = (
            SentimentClassifier(model, threads)
            if isinstance(model, Bundle)
            else SentimentClassifier.from_pretrained(model, threads)
        )
        self._column, self._probabilities = column, probabilities

    def __call__(self, batch: Any) -> Any:  # noqa: ANN401
        """Return a batch with the predictions added, as `score_frame` does.

        Raises:
            UsageError: the batch is no table, or has no such column of texts.
        """
        return score_frame(self._classifier, batch, self._column, probabilities=self._probabilities)
