"""The temperature of a trained classifier, fitted on its validation texts.

`evaluation.calibration` explains temperatures.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from sentiment_lstm.batching import ordered_batches
from sentiment_lstm.evaluation.calibration import fit_temperature, probabilities
from sentiment_lstm.training.loop import Trainer
from sentiment_lstm.training.objective import cross_entropy
from sentiment_lstm.training.schedule import weights_swapped

FEWEST = 10
"""With fewer mistakes on the validation texts, the temperature would depend on chance. One mistake
in four texts once made a model's logits six times as large."""


def calibrate(trainer: Trainer) -> tuple[float | None, float]:
    """Fit the temperature of a finished training's best weights.

    Returns:
        The temperature (None if there are fewer than ten mistakes) and the mean validation loss
        with it, in nats. If it is None, this is the loss of `Trainer.validate`.
    """
    window = trainer.feed.validation
    targets = window.labels if window.targets is None else window.targets
    logits = _validation_logits(trainer)
    true = targets if targets.ndim == 1 else targets.argmax(axis=1)
    mistakes = int((probabilities(logits.numpy()).argmax(axis=1) != true).sum())
    temperature = fit_temperature(logits.numpy(), targets) if mistakes >= FEWEST else None
    losses = cross_entropy(logits / (temperature or 1.0), torch.from_numpy(targets))
    return temperature, float(losses.mean())


@torch.no_grad()
def _validation_logits(trainer: Trainer) -> Tensor:
    """Logits of the best weights in the order of the validation texts, float32 [N] or [N, C]."""
    rows, logits = [], []
    with weights_swapped(trainer.model, trainer.best):
        trainer.model.eval()
        for batch in ordered_batches(trainer.feed.validation, trainer.settings.batch_tokens):
            ids, lengths = (
                torch.from_numpy(array).to(trainer.device) for array in (batch.ids, batch.lengths)
            )
            rows.append(batch.rows)
            logits.append(trainer.model(ids, lengths).float().cpu())
    return torch.cat(logits)[np.argsort(np.concatenate(rows))]
