"""Turns a source's labels (numbers, names, booleans, stars) into class names.

A labeller belongs to one source. There are three: `SourceLabels` finds the classes in the source,
`ModelLabels` matches labels to a model's classes, `SoftLabels` reads probabilities. `make_labeller`
chooses one. This file knows nothing of rows or files.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from sentiment_lstm.data.label_map import Label, LabelMap, is_clean, normal_label, to_number
from sentiment_lstm.data.label_notes import how_joined
from sentiment_lstm.data_settings import DataSettings
from sentiment_lstm.errors import DataError, UsageError
from sentiment_lstm.wording import first_names

_logger = logging.getLogger(__name__)
MOST_CLASSES = DataSettings().max_classes
_FEW = 20
"""This many labels may occur only once in any column."""

_FLOAT = r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?"


class Labeller(Protocol):
    """Gives each label its class. Labels are in the form that `normal_label` returns."""

    def class_of(self, label: Label) -> str | None:
        """The name of a label's class; None for an unmapped label."""

    def soft_label_of(self, label: Label) -> float | None:
        """The second class's probability, from 0 to 1; None if the label is not soft."""

    def is_missing(self, label: Label | None) -> bool:
        """Whether a text has no label. -1 means no label if the source names its classes."""

    def classes(self) -> tuple[str, ...]:
        """All classes, in order."""

    def freeze_classes(self) -> None:
        """After this, unknown labels are unmapped. It does nothing if all classes are known.

        Raises:
            DataError: most texts have a label of their own, as in a column of ids or free text.
        """
        return


def make_labeller(
    label_map: Mapping[str, str],
    source_classes: Sequence[str] | None = None,
    model_classes: Sequence[str] | None = None,
    *,
    soft: bool = False,
    most_classes: int = MOST_CLASSES,
) -> Labeller:
    """The labeller of a source.

    Args:
        label_map: `--label-map`, from labels to class names; see `LabelMap`.
        source_classes: the source's own class names; an integer label is a class index.
        model_classes: a model's classes, to match the labels to.
        soft: every label is a soft label: the second class's probability.
        most_classes: if the source has more distinct labels, the column is probably wrong.

    Raises:
        UsageError: the label map cannot be read or names none of `model_classes`; or there are soft
            labels without exactly two named classes.
    """
    mapping = LabelMap(label_map)
    named = list(model_classes or mapping.class_names)
    if (soft or mapping.soft_labels) and len(named) != 2:
        raise UsageError(
            "Expected exactly two classes for soft labels "
            f"({', '.join(mapping.soft_labels) or 'data.soft_labels'}), "
            f"found {first_names(named) or 'none'}: name them with --label-map, such as "
            "negative=negative,positive=positive."
        )
    if model_classes is not None:
        mapping.check_classes(model_classes)
    if soft:
        return SoftLabels(named, has_map=bool(label_map))
    source_labels = SourceLabels(mapping, source_classes, most_classes)
    return source_labels if model_classes is None else ModelLabels(source_labels, model_classes)


class SourceLabels(Labeller):
    """Classes come from the label map. Without a map they are the source's names, else its labels.

    If the source names its classes, an integer is an index of `source_classes`, and a string is one
    of them.
    """

    def __init__(
        self,
        mapping: LabelMap,
        source_classes: Sequence[str] | None = None,
        most_classes: int = MOST_CLASSES,
    ) -> None:
        self._map, self.source_classes, self._most = mapping, source_classes, most_classes
        self.has_map = bool(mapping.class_names or mapping.soft_labels)
        self._seen: Counter[str] = Counter()
        self._frozen: frozenset[str] | None = None
        """All classes, once they are frozen."""

    def class_of(self, label: Label) -> str | None:
        """The name of a label's class, None for an unmapped label.

        Raises:
            DataError: more distinct labels than `most_classes`.
        """
        soft_label = self.soft_label_of(label)
        name = self.name_of(label) if soft_label is None else _likelier(self.classes(), soft_label)
        if name is None or (self._frozen is not None and name not in self._frozen):
            return None
        self._seen[name] += 1
        if len(self._seen) > self._most:
            raise DataError(
                f"Expected at most {self._most:,} distinct labels, found more in the first "
                f"{self._seen.total():,} rows; {_advice(self._seen)}."
            )
        return name

    def soft_label_of(self, label: Label) -> float | None:
        """The soft label that the map gives, None if it gives none."""
        if not self._map.soft_labels:
            return None
        return self._map.soft_labels.get(self.name_of(label) or "")

    def is_missing(self, label: Label | None) -> bool:
        """Whether a text has no label; -1 marks one where the source names its classes."""
        return label is None or (
            label == -1 and self.source_classes is not None and not self.has_map
        )

    def classes(self) -> tuple[str, ...]:
        """The map's classes in its order, else the source's names, else the labels seen so far.

        Labels are sorted: integers by value, then strings by code point.
        """
        return tuple(self._map.class_names or self.source_classes or _sorted(self._seen))

    def freeze_classes(self) -> None:
        """After this, a label that would add a class is unmapped.

        Raises:
            DataError: more than half of the texts have a label that no other text has.
        """
        once = sum(count == 1 for count in self._seen.values())
        if not self._are_named() and once > max(_FEW, self._seen.total() / 2):
            raise DataError(
                f"Expected labels that several texts share, found {once:,} labels that occur only "
                f"once in {self._seen.total():,} rows; {_advice(self._seen)}."
            )
        self._frozen = frozenset(self.classes())

    def _are_named(self) -> bool:
        """Whether the map or the source names the classes."""
        return self.has_map or self.source_classes is not None

    def name_of(self, label: Label) -> str | None:
        """The class name of a label: the map's value, else the source's name, else the label."""
        if self.has_map:
            return self._map.value_of(label, self.source_classes)
        if isinstance(label, float):
            return None
        if self.source_classes is None:
            return str(label) if is_clean(str(label)) else None
        if isinstance(label, int):
            return self.source_classes[label] if 0 <= label < len(self.source_classes) else None
        return label if label in self.source_classes else None


class ModelLabels(Labeller):
    """A source's labels matched to the classes of a model, by name. Upper and lower case are equal.

    A number is a class index if there is no map and the source names no classes. It is also an
    index if the source has as many classes as the model and shares no name.
    """

    def __init__(self, source_labels: SourceLabels, classes: Sequence[str]) -> None:
        self._source, self._classes = source_labels, tuple(classes)
        self._spelling = {name.casefold(): name for name in reversed(self._classes)}
        self._are_indices = self._may_be_indices()
        self._warned = len(classes) == 2  # 0 and 1 are the usual labels of two classes

    def class_of(self, label: Label) -> str | None:
        """The model's class for a label, None for an unmapped label.

        Raises:
            DataError: an index is outside the model's classes.
        """
        soft_label = self.soft_label_of(label)
        if soft_label is not None:
            return _likelier(self._classes, soft_label)
        name = self._source.name_of(label)
        if name in self._classes:
            return name
        if name is not None and name.casefold() in self._spelling:
            return self._spelling[name.casefold()]
        return self._class_at(label) if self._are_indices else None

    def soft_label_of(self, label: Label) -> float | None:
        """The soft label that the map gives, None if it gives none."""
        return self._source.soft_label_of(label)

    def is_missing(self, label: Label | None) -> bool:
        """Whether a text has no label. Without a map -1 marks one too, unless a class is `-1`."""
        is_marked = label == -1 and not self._source.has_map and "-1" not in self._classes
        return label is None or is_marked

    def classes(self) -> tuple[str, ...]:
        """The model's classes."""
        return self._classes

    def _class_at(self, label: Label) -> str | None:
        index = {"true": 1, "false": 0}.get(label) if isinstance(label, str) else label
        if not isinstance(index, int):
            return None
        if not 0 <= index < len(self._classes):
            # Numbers such as stars are not class indices. Those in range would give wrong results.
            raise DataError(
                f"Expected labels 0 to {len(self._classes) - 1} for the classes "
                f"{first_names(self._classes)}, found {index}; give --label-map."
            )
        if not self._warned:
            self._warned = True
            _logger.warning(
                "Labels that are numbers count as class indices: %s. Give --label-map if they mean "
                "something else.",
                first_names([f"{name} ({i})" for i, name in enumerate(self._classes)]),
            )
        return self._classes[index]

    def _may_be_indices(self) -> bool:
        names = self._source.source_classes
        if self._source.has_map:
            return False
        if names is None:  # a class called "1" must not be taken for the second class
            return not any(isinstance(normal_label(name), int) for name in self._classes)
        known = any(name.casefold() in self._spelling for name in names)
        return len(names) == len(self._classes) and not known


class SoftLabels(Labeller):
    """Labels that are the probability of the second of two classes."""

    def __init__(self, classes: Sequence[str], *, has_map: bool = False) -> None:
        self._classes, self._has_map = tuple(classes), has_map

    def class_of(self, label: Label) -> str | None:
        """The likelier class (the second class at 0.5); None if the label is not a probability."""
        soft_label = self.soft_label_of(label)
        return None if soft_label is None else _likelier(self._classes, soft_label)

    def soft_label_of(self, label: Label) -> float | None:
        """The label as a number from 0 to 1, in any form that programs write: `1e-05`, `.5`."""
        if isinstance(label, str) and not re.fullmatch(_FLOAT, label, re.ASCII | re.IGNORECASE):
            return None
        number = float(label) if isinstance(label, str) else label
        return float(number) if 0 <= number <= 1 else None

    def is_missing(self, label: Label | None) -> bool:
        """Whether a text has no label; without a map -1 marks one too."""
        return label is None or (label == -1 and not self._has_map)

    def classes(self) -> tuple[str, ...]:
        """The two classes."""
        return self._classes


def _likelier(classes: Sequence[str], soft_label: float) -> str:
    return classes[int(soft_label >= 0.5)]


def _advice(labels: Collection[str]) -> str:
    """What to do about too many different labels."""
    if how := how_joined(labels):
        return f"a label seems to hold several, {how}: add --multi-label"
    return (
        "the column is probably not the label: choose another --label-column or group the labels "
        "with --label-map"
    )


def _sorted(names: Iterable[str]) -> list[str]:
    def key(name: str) -> tuple[int, int, str]:
        label = to_number(name)
        return (0, label, "") if isinstance(label, int) else (1, 0, name)

    return sorted(names, key=key)
