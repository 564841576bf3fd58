"""Texts that a program gives in memory: files of the run folder, as long as the run needs them.

A run reads them like any other source, so it can be resumed. This file knows files, not lists.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from sentiment_lstm.python_names import GIVEN_TEXTS, GIVEN_UNLABELLED
from sentiment_lstm.settings import Settings


def as_json_lines(rows: Iterable[Mapping[str, object]]) -> bytes:
    """Rows as the content of a file, one JSON object a line, in ASCII."""
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def remove_given_texts(folder: Path, settings: Settings) -> None:
    """Delete the files of a run whose texts were given in memory.

    A file that the run does not read stays.
    """
    read = {settings.data.source, *settings.language.sources}
    for name in (GIVEN_TEXTS, GIVEN_UNLABELLED):
        if str(folder.absolute() / name) in read:
            (folder / name).unlink(missing_ok=True)
