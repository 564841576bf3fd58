"""Copies weights between a module and NumPy arrays by parameter name, as they are saved.

This file knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sentiment_lstm.model.classifier import LSTMClassifier
from sentiment_lstm.settings import ModelSettings


def to_arrays(tensors: Mapping[str, Tensor]) -> dict[str, NDArray[np.float32]]:
    """Copy tensors (a `state_dict()`) into float32 arrays."""
    return {
        name: tensor.detach().to("cpu", torch.float32, copy=True).numpy()
        for name, tensor in tensors.items()
    }


def load_weights(module: nn.Module, weights: Mapping[str, NDArray[np.float32]]) -> None:
    """Copy arrays into a module's parameters of the same names. Other parameters stay.

    Raises:
        RuntimeError: an array's shape differs from its parameter's.
    """
    _, unknown = module.load_state_dict(_to_tensors(weights), strict=False)
    assert not unknown, f"no parameters {unknown}"


def classifier_from(
    settings: ModelSettings,
    classes: int,
    weights: Mapping[str, NDArray[np.float32]],
    *,
    multi_label: bool = False,
) -> LSTMClassifier:
    """Build a classifier from its weights, without drawing random numbers.

    Raises:
        RuntimeError: a parameter is missing, unknown or of another shape.
    """
    with torch.device("meta"):  # makes only shapes, because first values would be overwritten
        features = len(weights.get("wide.weight", ()))
        vocabulary = len(weights["embedding.weight"])
        model = LSTMClassifier(settings, vocabulary, classes, features, multi_label=multi_label)
    model.load_state_dict(_to_tensors(weights), assign=True)
    return model


def _to_tensors(arrays: Mapping[str, NDArray[np.float32]]) -> dict[str, Tensor]:
    return {name: torch.tensor(array) for name, array in arrays.items()}
