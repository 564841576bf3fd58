"""The whole state of a training in one file: tensors and JSON, nothing pickled.

A new file replaces the old one at once. This file knows names and tensors, not their meaning.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from sentiment_lstm.errors import TrainingError
from sentiment_lstm.storage import write_atomically

FILE = "checkpoint.safetensors"


def save_checkpoint(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, object]) -> None:
    """Write tensors and facts. An earlier checkpoint is kept until the new one is complete.

    Raises:
        SentimentError: the disk is full or the folder cannot be written.
    """
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomically(path, save(contiguous, metadata={"facts": json.dumps(facts)}))


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and facts that `save_checkpoint` wrote.

    Raises:
        TrainingError: the file is damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return tensors, json.loads(file.metadata()["facts"])
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise TrainingError(
            f"Expected a checkpoint at {path}, found a file that cannot be read ({error}): "
            "delete it and resume to start the run again."
        ) from error
