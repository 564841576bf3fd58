"""Checks texts, labels and weights that a program gives in memory, as lists, arrays or series.

Every error names the place of the value at fault, an index that counts from 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from enum import Enum
from hashlib import sha256
from itertools import chain, count
from typing import Any

import numpy as np

from sentiment_lstm.data.label_map import LabelMap, is_clean, normal_label
from sentiment_lstm.data.labels import SourceLabels
from sentiment_lstm.data.weights import MOST_WEIGHT, read_weight
from sentiment_lstm.errors import UsageError
from sentiment_lstm.inference.windows import not_a_string
from sentiment_lstm.records import is_missing
from sentiment_lstm.wording import first_names


def as_list(values: object, noun: str = "texts") -> list[Any]:
    """The values of a list, an array or a series (pandas, polars, Arrow) as a list.

    Args:
        values: any iterable with one dimension.
        noun: what messages call the values.

    Raises:
        UsageError: it is a string, a table or no iterable.
    """
    if isinstance(values, str | bytes):
        raise UsageError(f"Expected a list of {noun}, found one string: put it in a list.")
    shape = getattr(values, "shape", (0,))
    if isinstance(values, Mapping) or hasattr(values, "columns") or len(shape) != 1:
        kind = f"a table of the shape {tuple(shape)}" if len(shape) > 1 else type(values).__name__
        raise UsageError(
            f"Expected a list of {noun}, found {kind}: give one column, such as table['text']."
        )
    for method in ("to_pylist", "tolist", "to_list"):
        if hasattr(values, method):
            return list(getattr(values, method)())
    if hasattr(values, "__array__"):
        return as_list(np.asarray(values), noun)
    if not isinstance(values, Iterable):
        raise UsageError(
            f"Expected a list of {noun}, found {type(values).__name__}: put the {noun} in a list."
        )
    return list(values)


def checked_texts(texts: object) -> list[str]:
    """Texts as a list of strings.

    Raises:
        UsageError: as `as_list`; or a text is missing or not a string.
    """
    listed = as_list(texts)
    for index, text in enumerate(listed):
        if not isinstance(text, str):
            raise not_a_string(text, index)
    return listed


def checked_labels(labels: object, count: int) -> list[Hashable]:
    """The labels of `count` texts with one label each, as Python's own values.

    A member of an enum of strings or integers counts as its string or integer.

    Raises:
        UsageError: as `as_list`; or a label is missing, names no class (a fraction, an object), or
            there are not `count` labels.
    """
    listed = as_list(labels, "labels")
    check_length("labels", len(listed), count)
    for index, label in enumerate(listed):
        if is_missing(label):
            raise UsageError(
                f"Expected a label at index {index}, found {label!r}: drop the rows without one."
            )
        if not isinstance(label, Hashable) or isinstance(label, tuple | frozenset):
            raise UsageError(
                f"Expected one label for each text, found a {type(label).__name__} at index "
                f"{index}: if a text may have several, give a table of 0 and 1 with a column for "
                "each label."
            )
        if not _is_class(label):
            raise UsageError(
                "Expected strings, whole numbers or booleans as labels, found "
                f"{label!r:.40} at index {index} (Unknown label type: {type(label).__name__}): "
                "give each class a name."
            )
    return [*map(_plain, listed)]


def _plain(label: Hashable) -> Hashable:
    """`Mood.GOOD` of `class Mood(str, Enum)` -> its string. Others stay."""
    if isinstance(label, Enum) and isinstance(label, str):
        return str.__str__(label)
    return int(label) if isinstance(label, Enum) and isinstance(label, int) else label


def _is_class(label: Hashable) -> bool:
    """Whether a label can name a class: a fraction, a tuple or an object cannot."""
    if isinstance(label, np.generic):
        label = label.item()
    return isinstance(label, str | int) or (isinstance(label, float) and label.is_integer())


def checked_label_sets(labels: object, count: int) -> list[list[Hashable]]:
    """The labels of `count` texts that may have several.

    Args:
        labels: a collection of labels for each text; or a table of 0 and 1 [N, L] with a column for
            each label. The names of its columns are the labels, or their numbers if it has none.
        count: the number of texts.

    Raises:
        UsageError: there are not `count` rows, a row is no collection, a label is missing or a
            fraction or a list, or as `read_table`.
    """
    if is_table(labels):
        table, names = read_table(labels)
        check_length("labels", len(table), count)
        return [[names[column] for column in np.flatnonzero(row)] for row in table]
    listed = as_list(labels, "labels")
    check_length("labels", len(listed), count)
    return [_checked_label_set(row, index) for index, row in enumerate(listed)]


def _checked_label_set(row: object, index: int) -> list[Hashable]:
    """The labels of a text. Those of a set are sorted: each process gives it another order."""
    if isinstance(row, str | bytes) or not isinstance(row, Iterable):
        raise UsageError(
            f"Expected a list of labels for each text, found {type(row).__name__} at index "
            f"{index}: give a list for each text, empty if it has no label."
        )
    labels = [*row]
    for label in labels:
        if is_missing(label) or not isinstance(label, Hashable) or not _is_class(label):
            raise UsageError(
                "Expected strings, whole numbers or booleans in the list of labels at index "
                f"{index}, found {label!r:.40}: name a class, or leave it out."
            )
    labels = [*map(_plain, labels)]
    return sorted(labels, key=repr) if isinstance(row, set | frozenset) else labels


def is_table(labels: object) -> bool:
    """Whether labels have two dimensions, as a matrix or a data frame has."""
    return len(getattr(labels, "shape", ())) == 2


def read_table(labels: Any) -> tuple[np.ndarray[Any, np.dtype[np.bool_]], list[Hashable]]:  # noqa: ANN401
    """A table of 0 and 1 as bool [N, L], and the names of its columns.

    Raises:
        UsageError: it holds anything but 0 and 1, or two columns have the same name.
    """
    dense = labels.toarray() if hasattr(labels, "toarray") else np.asarray(labels)
    columns = labels.columns if hasattr(labels, "columns") else range(dense.shape[1])
    names = [*map(_plain, columns)]
    if len(set(names)) < len(names):
        raise UsageError(
            "Expected a name of its own for each column of labels, found two columns of the same "
            "name: rename one."
        )
    if any(map(is_missing, dense.flat)) or not np.isin(dense, (0, 1)).all():
        raise UsageError(
            "Expected 0 and 1 in a table of labels, found other values: give a column for each "
            "label, or one label for each text."
        )
    return dense.astype(np.bool_), names


def checked_weights(weights: object, count: int) -> list[float]:
    """The weights of `count` texts.

    Raises:
        UsageError: as `as_list`; or there are not `count` weights, one is negative, too large or no
            number, or all are 0.
    """
    listed = as_list(weights, "weights")
    check_length("weights", len(listed), count)
    checked = [read_weight(w.item() if isinstance(w, np.generic) else w) for w in listed]
    if None in checked:
        index = checked.index(None)
        raise UsageError(
            f"Expected weights of at least 0, found {listed[index]!r:.40} at index {index}: give "
            f"numbers from 0 to {MOST_WEIGHT:g}."
        )
    if not any(checked):
        raise UsageError(
            "Expected a weight above zero, found only weights of zero: leave the weights out."
        )
    return [float(weight) for weight in checked if weight is not None]


def check_length(noun: str, length: int, count: int) -> None:
    """Refuse a list that does not have one value for each text.

    Raises:
        UsageError: it does not.
    """
    if length != count:
        noun = noun.removesuffix("s")
        raise UsageError(
            f"Expected a {noun} for each text, found {_counted(length, noun)} and "
            f"{_counted(count, 'text')}: give lists of the same length."
        )


def columns_of(
    texts: object, labels: object, weights: object = None, *, multi_label: bool
) -> dict[str, list[object]]:
    """Texts, their labels and weights as columns of a file: `text`, `label` and `weight`.

    Raises:
        UsageError: they do not fit.
    """
    listed = checked_texts(texts)
    if labels is None:
        raise UsageError("Expected labels with the texts, found none: give one for each text.")
    columns: dict[str, list[object]] = {"text": [*listed]}
    if multi_label:
        sets = checked_label_sets(labels, len(listed))
        names = name_classes(dict.fromkeys(label for row in sets for label in row))
        columns["label"] = [[names[label] for label in row] for row in sets]
    else:
        plain = checked_labels(labels, len(listed))
        names = name_classes(dict.fromkeys(plain))
        columns["label"] = [names[label] for label in plain]
    if weights is not None:
        columns["weight"] = [*checked_weights(weights, len(listed))]
    return columns


def rows_of(columns: Mapping[str, Sequence[object]]) -> list[dict[str, object]]:
    """The rows of columns, such as those of `columns_of`."""
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def name_classes(labels: Iterable[Hashable]) -> dict[Hashable, str]:
    """Each label's class name: `True` -> `"true"`, `3` -> `"3"`, `"joy"` -> `"joy"`.

    A label in a file loses white space around it, and `01` is read as 1. A string that would be
    read as another label gets quotes: `" joy"` -> `"' joy'"`. A name that is too long is cut, and a
    hash makes it unique, so it does not depend on the order of the labels.
    """
    names: dict[Hashable, str] = {}
    taken: set[str] = set()
    for index, label in enumerate(labels):
        plain = _as_written(label)
        numbered = (f"class {number}" for number in count(index))
        candidates = chain((plain, repr(plain), _shortened(plain)), numbered)
        names[label] = next(name for name in candidates if _stays(name) and name not in taken)
        taken.add(names[label])
    return names


def check_classes(labels: Sequence[Hashable]) -> None:
    """Refuse labels of fewer than two classes.

    Raises:
        UsageError: there are fewer.
    """
    if len(labels) < 2:
        classes = f"one class ({labels[0]!r:.40})" if labels else "none"
        raise UsageError(f"Expected labels of at least two classes, found {classes}.")


def class_counts(labels: Iterable[object]) -> Counter[Any]:
    """How many texts each class has.

    Args:
        labels: the class of each text, or a list of classes.
    """
    return Counter(
        chain.from_iterable(label if isinstance(label, list) else [label] for label in labels)
    )


def single_text_note(labels: Iterable[object]) -> str | None:
    """A sentence about classes with a single text; None if there are none.

    Args:
        labels: the class of each text, or a list of classes.
    """
    single = [str(name) for name, number in class_counts(labels).items() if number == 1]
    if not single:
        return None
    return (
        f"Classes with only one text: {first_names(single, 3)}. The model will hardly ever choose "
        "them."
    )


def _counted(number: int, noun: str) -> str:
    """`_counted(1, "text")` is `"1 text"`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _as_written(label: Hashable) -> str:
    if isinstance(label, np.generic):
        label = label.item()
    if isinstance(label, bool):
        return str(label).lower()
    if isinstance(label, float) and label.is_integer():
        return str(int(label))
    return str(label)


def _shortened(label: str) -> str:
    """The beginning of a label, and a hash of the whole."""
    digest = sha256(label.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{repr(label)[1:61].strip()}... #{digest}"


def _stays(name: str) -> bool:
    """Whether a name is read from a file as the class of the same name."""
    label = normal_label(name)
    return (
        label is not None and is_clean(name) and SourceLabels(LabelMap({})).class_of(label) == name
    )
