"""Old names of modules that moved: they still work, with a warning.

Only modules that the guide of 0.1.0 showed have an old name. Knows no module itself.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable


def forward(old: str, new: str) -> Callable[[str], object]:
    """Make the `__getattr__` of a module that moved.

    Args:
        old: the old name of the module.
        new: the name of the module that has its content now. It is imported at the first use.

    Returns:
        A function from the name of an attribute to its value. It warns with a DeprecationWarning,
        and raises AttributeError if the new module has no such attribute.
    """

    def find(name: str) -> object:
        if name.startswith("__"):  # asked by the import system
            raise AttributeError(name)
        value: object = getattr(importlib.import_module(new), name)
        message = f"{old} is now {new}; the old name will be removed in version 0.4."
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return value

    return find
