"""The file of a run that says for how many minutes it compares settings. It stays in the folder."""

from __future__ import annotations

import json
from pathlib import Path

FILE = "minutes.json"


def minutes_of(folder: Path) -> float | None:
    """For how many minutes a run compares settings; None if it does not."""
    path = folder / FILE
    return float(json.loads(path.read_bytes())["minutes"]) if path.exists() else None
