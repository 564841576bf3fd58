"""What a training from Python shows and whom it tells: `verbose`, and the program's listener."""

from __future__ import annotations

import re
from operator import index
from typing import TYPE_CHECKING

from sentiment_lstm.errors import UsageError
from sentiment_lstm.python_names import in_python

if TYPE_CHECKING:
    from pathlib import Path

    from sentiment_lstm.training.listener import Listener


def checked_verbose(verbose: int | None, listener: Listener | None) -> int:
    """How much is shown: 0, 1 or 2. None: 1, or 0 if a listener is given.

    Raises:
        UsageError: it is no whole number of at least 0.
    """
    if verbose is None:
        return 0 if listener else 1
    try:
        level = index(verbose)
    except TypeError:
        level = -1
    if level < 0:
        raise UsageError(
            f"Expected verbose to be 0, 1 or 2, found {verbose!r:.40}: 0 shows nothing, 2 shows "
            "each epoch."
        )
    return level


def followers(
    verbose: int, listener: Listener | None, *, in_memory: bool, hidden: Path | None = None
) -> Listener:
    """The display and the program's listener, with notes in the words of Python.

    Args:
        verbose: as from `checked_verbose`.
        listener: the program's.
        in_memory: whether the texts are in memory.
        hidden: a temporary folder. Notes do not name its files.
    """
    from sentiment_lstm.training.display import Display
    from sentiment_lstm.training.listener import Listeners

    class InPython(Listeners):
        def on_note(self, sentence: str) -> None:
            if hidden:
                sentence = re.sub(rf": {re.escape(str(hidden))}\S*", "", sentence)
            super().on_note(in_python(sentence, in_memory=in_memory))

    display = [Display(is_brief=verbose == 1)] if verbose else []
    return InPython([*display, *([listener] if listener else [])])
