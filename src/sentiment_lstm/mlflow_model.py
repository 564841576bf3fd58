"""A model in MLflow: `log_model` stores it there, `mlflow.pyfunc` opens it without torch.

The stored model is the bundle itself. Nothing is pickled.
"""

from __future__ import annotations

from typing import Any

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.errors import UsageError
from sentiment_lstm.frames.given import checked_classifier
from sentiment_lstm.frames.scores import score_texts
from sentiment_lstm.records import is_missing
from sentiment_lstm.training.trackers import check_trackers, mlflow


def log_model(
    classifier: SentimentClassifier, name: str = mlflow.MODEL, registered_name: str | None = None
) -> Any:  # noqa: ANN401
    """Log a classifier to MLflow's active run, or to a new run.

    Args:
        classifier: the model.
        name: its name in MLflow.
        registered_name: also register it in the model registry under this name.

    Returns:
        MLflow's `ModelInfo`; `mlflow.pyfunc.load_model(info.model_uri)` opens the model.

    Raises:
        MissingExtraError: MLflow is not installed.
        UsageError: `classifier` is not a classifier.
    """
    check_trackers(["mlflow"])
    return mlflow.log_bundle(
        checked_classifier(classifier).bundle, name, registered_name=registered_name
    )


def _load_pyfunc(path: str) -> _Model:
    """MLflow calls this with the folder of the bundle."""
    return _Model(SentimentClassifier.from_pretrained(path))


class _Model:
    """What MLflow opens: `predict` takes a table with the column `text`."""

    def __init__(self, classifier: SentimentClassifier) -> None:
        self._classifier = classifier

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> Any:  # noqa: ANN401
        """Score the texts of a table.

        Args:
            model_input: a data frame of N rows with the column `text`.
            params: not used.

        Returns:
            A data frame with the columns `label` and `score`, [N]. Both hold lists if a text may
            have several labels. Both are missing for a missing or empty text.

        Raises:
            UsageError: there is no column `text`, or a value in it is neither a string nor missing.
        """
        import pandas as pd

        if "text" not in getattr(model_input, "columns", ()):
            raise UsageError(
                "Expected a table with the column text, found none: rename the column of texts."
            )
        texts = (None if is_missing(text) else text for text in model_input["text"])
        columns = score_texts(self._classifier.predictor, texts, ["label", "score"])
        return pd.DataFrame(columns, index=model_input.index)
