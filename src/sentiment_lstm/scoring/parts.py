"""The parts of an output: files in a folder beside it, while the output is made.

`plan.json` says what the parts are made from. It is written first and deleted first. So parts
without a plan are the rest of a killed process, and worth nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sentiment_lstm.errors import UsageError
from sentiment_lstm.storage import as_json, write_atomically

_PLAN = "plan.json"
_NAME = r"plan\.json|\d{6,}\.bad|\d{6,}-\d+\.rows"
_OURS = re.compile(rf"{_NAME}|\.({_NAME})\.[0-9a-f.]+(sentiment-lstm\.)?tmp")
"""The names of our files, and of temporary files that a killed process left, also of version 0.2.
No living process uses them: whoever works on a folder of parts has locked it."""


class Parts:
    """A folder of parts. The caller has locked it.

    A part is two files, such as `000003.bad` and `000003-4998.rows`. The second name holds the
    number of scored rows. The part is complete when this file exists. The folder is listed by
    `open`, not for each part.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._complete: set[int] = set()
        self.are_empty = True
        """Whether no part holds encoded rows or a header yet."""

    def open(self) -> None:
        """Make the folder if it is missing, and find its parts.

        Raises:
            UsageError: it holds other files than ours, which would be deleted.
        """
        self.folder.mkdir(exist_ok=True)
        if not all(_OURS.fullmatch(path.name) for path in self.folder.iterdir()):
            raise UsageError(
                f"Expected {self.folder} to be free for parts of the output, found files of "
                "another kind: move it away, or name another --output."
            )
        self._complete = {int(piece.name.partition("-")[0]) for piece in self.pieces}
        self.are_empty = not any(piece.stat().st_size for piece in self.pieces)

    def belong_to(self, plan: Mapping[str, Any]) -> bool:
        """Whether the parts are made from what this plan says."""
        return bool(read_json(self.folder / _PLAN) == plan)

    def start(self, plan: Mapping[str, Any]) -> None:
        """Delete all parts, and note what the next ones are made from."""
        self._clear()
        write_atomically(self.folder / _PLAN, as_json(plan))

    def remove(self) -> None:
        """Delete the folder."""
        self._clear()
        self.folder.rmdir()

    def has(self, number: int) -> bool:
        """Whether a part is complete."""
        return number in self._complete

    def write(self, number: int, rows: int, piece: bytes, set_aside: bytes) -> None:
        """Keep a part: its number of rows, the rows as they are encoded, and the rows set aside."""
        write_atomically(self.folder / f"{number:06d}.bad", set_aside)
        write_atomically(self.folder / f"{number:06d}-{rows}.rows", piece)
        self._complete.add(number)
        self.are_empty = self.are_empty and not piece

    @property
    def pieces(self) -> list[Path]:
        """The files of encoded rows, in their order."""
        return sorted(self.folder.glob("*.rows"))

    @property
    def set_aside(self) -> list[Path]:
        """The files of rows set aside, in their order."""
        return sorted(self.folder.glob("*.bad"))

    @property
    def rows(self) -> int:
        """The number of scored rows."""
        return sum(int(piece.stem.partition("-")[2]) for piece in self.pieces)

    def _clear(self) -> None:
        (self.folder / _PLAN).unlink(missing_ok=True)
        for path in self.folder.iterdir():
            path.unlink()
        self._complete, self.are_empty = set(), True


def read_json(path: Path) -> Any:  # noqa: ANN401
    """The content of a JSON file; None if it is missing, damaged or no regular file."""
    try:
        return json.loads(path.read_bytes()) if path.is_file() else None
    except (OSError, ValueError):
        return None
