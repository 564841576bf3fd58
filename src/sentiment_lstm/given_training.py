"""What a program gives to train on: texts in memory, or a source. It becomes settings and files."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sentiment_lstm import in_memory
from sentiment_lstm.errors import UsageError
from sentiment_lstm.python_names import GIVEN_TEXTS, GIVEN_UNLABELLED
from sentiment_lstm.training.given_texts import as_json_lines

_OF_GIVEN_TEXTS = {
    f"data.{name}"
    for name in ("source", "text_column", "label_column", "weight_column", "multi_label")
}
"""Settings that the arguments set if the texts are in memory."""


@dataclass(frozen=True)
class GivenTexts:
    """What a program gives: a source, or texts in memory as rows of a file; unlabelled texts."""

    source: str | None = None
    rows: Sequence[Mapping[str, object]] = ()
    unlabelled_source: str | None = None
    unlabelled: Sequence[str] = ()
    multi_label: bool = False
    columns: Collection[str] = ()

    @classmethod
    def checked(
        cls,
        texts: object,
        labels: object,
        unlabelled: object,
        weights: object,
        *,
        multi_label: bool,
    ) -> GivenTexts:
        """Check what is given.

        Raises:
            UsageError: it does not fit.
        """
        unlabelled_source, unlabelled_texts = None, []
        if _is_source(unlabelled):
            unlabelled_source = str(unlabelled)
        elif unlabelled is not None:
            unlabelled_texts = in_memory.checked_texts(unlabelled)
        if texts is None or _is_source(texts):
            if labels is not None or weights is not None:
                raise UsageError(
                    "Expected texts in memory with labels or weights, found a source: leave them "
                    "out, and name its columns in settings (data.label_column, data.weight_column)."
                )
            source = None if texts is None else os.fspath(texts)  # type: ignore[call-overload]
            return cls(source, (), unlabelled_source, unlabelled_texts, multi_label)
        has_sets = multi_label or in_memory.is_table(labels)
        columns = in_memory.columns_of(texts, labels, weights, multi_label=has_sets)
        in_memory.check_classes(list(in_memory.class_counts(columns["label"])))
        rows = in_memory.rows_of(columns)
        return cls(None, rows, unlabelled_source, unlabelled_texts, has_sets, tuple(columns))

    def check_no_setting_of_texts(self, settings: Mapping[str, object]) -> None:
        """Refuse settings that name other texts than the arguments.

        Raises:
            UsageError: there is one.
        """
        used = _OF_GIVEN_TEXTS if self.rows else {"data.source"} if self.source else set()
        if self.unlabelled or self.unlabelled_source:
            used = used | {"language.sources"}
        if taken := used & settings.keys():
            raise UsageError(
                f"Expected only the arguments to name the texts, found {min(taken)} in settings "
                "too: leave the setting out."
            )

    def options(self, folder: Path) -> dict[str, object]:
        """The settings that name the texts, with files in the folder of the run."""
        sources = [source for source in (self.unlabelled_source,) if source]
        sources += [str(folder / GIVEN_UNLABELLED)] if self.unlabelled else []
        options: dict[str, object] = {
            "data.source": str(folder / GIVEN_TEXTS) if self.rows else self.source,
            "data.multi_label": self.multi_label or None,
            "language.sources": sources or None,
        }
        return without_none(options) | {f"data.{c}_column": c for c in self.columns}

    def files(self) -> dict[str, bytes]:
        """The files that hold the texts in memory: name -> content."""
        files = {GIVEN_TEXTS: as_json_lines(self.rows)} if self.rows else {}
        if self.unlabelled:
            files[GIVEN_UNLABELLED] = as_json_lines({"text": text} for text in self.unlabelled)
        return files


def without_none(options: Mapping[str, object]) -> dict[str, object]:
    """The options that are given."""
    return {name: value for name, value in options.items() if value is not None}


def _is_source(texts: object) -> bool:
    return isinstance(texts, str | os.PathLike)
