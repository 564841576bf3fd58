"""Measures a model on texts and labels in memory, with the same results as for a source.

The texts are written to a temporary file, so that they are read and screened like any other source.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from sentiment_lstm import in_memory
from sentiment_lstm.bundle import Config
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import UsageError
from sentiment_lstm.evaluation_data import evaluation_data
from sentiment_lstm.inference.predictor import Predictor
from sentiment_lstm.measuring import measure
from sentiment_lstm.python_names import GIVEN_TEXTS, NAMES_OF_GIVEN, errors_in_python
from sentiment_lstm.training.given_texts import as_json_lines

_logger = logging.getLogger(__name__)
_FILE = f"measured_{GIVEN_TEXTS}"
"""It differs from the name of training texts, which models record as their own source."""


def split_of_source(split: object, labels: object) -> str | None:
    """The name of a source's part.

    Raises:
        UsageError: labels are given with a source.
    """
    if labels is not None or not isinstance(split, str | None):
        raise UsageError(
            "Expected texts in memory with the labels, found a source: leave the labels out, and "
            "name its column in options (data.label_column)."
        )
    return split


def labels_of_texts(split: object, labels: object) -> object:
    """The labels of texts in memory, which either argument may hold.

    Raises:
        UsageError: both are given.
    """
    if split is not None and labels is not None:
        raise UsageError("Expected the labels once, found split and labels: leave split out.")
    return split if labels is None else labels


def measure_given(
    predictor: Predictor,
    config: Config,
    texts: object,
    labels: object,
    options: Mapping[str, object],
    set_aside: SetAside,
    **how: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """Measure a model on texts in memory.

    Args:
        predictor: the model.
        config: its configuration.
        texts: N texts.
        labels: the label of each, [N]; or lists of labels or a table of 0 and 1, [N, L], if the
            model may give a text several labels.
        options: settings such as `{"data.label_map": {"4": "positive"}}`.
        set_aside: takes the bad rows.
        how: the other arguments of `measure`.

    Returns:
        As `measure`. `id` of a mistake is the index of its text, from 0.

    Raises:
        UsageError: texts or labels do not fit.
        DataError: no text can be used, for example because the model knows none of the labels.
    """
    if how.get("slices"):
        raise UsageError("Expected a source with slices, found texts in memory: leave slices out.")
    columns = in_memory.columns_of(
        texts, _with_names(labels, config.classes), multi_label=config.multi_label
    )
    with errors_in_python(in_memory=True), TemporaryDirectory(prefix="sentiment-lstm-") as folder:
        path = Path(folder, _FILE)
        path.write_bytes(as_json_lines(in_memory.rows_of(columns)))
        named = {"data.text_column": "text", "data.label_column": "label"}
        data = evaluation_data(config, str(path), "train", named | dict(options))
        values: dict[str, Any] = _with_indices(measure(predictor, data, set_aside, **how))
    if set_aside.total:
        _logger.warning(
            "%s of %s texts were set aside (%s); the measures are those of the others.",
            f"{set_aside.total:,}",
            f"{set_aside.rows:,}",
            set_aside.summary(),
        )
    return values | {"data": NAMES_OF_GIVEN[GIVEN_TEXTS]}


def _with_names(labels: object, classes: Sequence[str]) -> object:
    """Turn a table of 0 and 1 without column names into lists of classes. Other labels stay."""
    if not in_memory.is_table(labels) or hasattr(labels, "columns"):
        return labels
    table, _ = in_memory.read_table(labels)
    if table.shape[1] != len(classes):
        raise UsageError(
            f"Expected a table of labels with {len(classes):,} columns, one for each class, found "
            f"{table.shape[1]:,}: give a list of labels for each text."
        )
    return [[classes[int(column)] for column in np.flatnonzero(row)] for row in table]


def _with_indices(values: Any) -> Any:  # noqa: ANN401
    """Results with the index of each text, from 0, as its `id`."""
    if isinstance(values, list):
        return [_with_indices(value) for value in values]
    if not isinstance(values, dict):
        return values
    changed = {key: _with_indices(value) for key, value in values.items()}
    line = re.fullmatch(rf"{re.escape(_FILE)}:(\d+)", str(changed.get("id", "")))
    return changed | ({"id": str(int(line[1]) - 1)} if line else {})
