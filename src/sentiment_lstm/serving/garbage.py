"""Keeps Python's garbage collector from delaying answers.

A full collection looks at every object and takes about 50 ms, in which no request is answered.
Nearly all objects belong to modules and models, which stay until the service ends.
"""

from __future__ import annotations

import asyncio
import gc

_IN_USE = 1.0
"""Seconds in which threads may still use a model that was replaced."""


def freeze() -> None:
    """Collect garbage, and let later collections look at new objects only."""
    gc.collect()
    gc.freeze()


async def freeze_again() -> None:
    """Do the same again, one second after a model was replaced, so that the old one is freed.

    It does nothing unless `freeze` was called before.
    """
    if gc.get_freeze_count():
        await asyncio.sleep(_IN_USE)
        gc.unfreeze()
        freeze()
