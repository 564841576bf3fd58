"""Counts the seconds of a training, also over interruptions."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Clock:
    """`before`: seconds of training before this process, or before this stage was restored."""

    before: float = 0.0
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Seconds of training so far."""
        return self.before + time.monotonic() - self.started

    def add_before(self, seconds: float) -> None:
        """Take over the seconds of an earlier process or stage; the larger number counts."""
        self.before = max(self.before, seconds)
