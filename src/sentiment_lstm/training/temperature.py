"""The temperature of a trained classifier, and the logits of its validation texts.

`evaluation.calibration` explains temperatures.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from sentiment_lstm.batching import Window, ordered_batches
from sentiment_lstm.evaluation.calibration import fit_temperature, probabilities
from sentiment_lstm.records import Targets, class_indices, has_several
from sentiment_lstm.training.loop import Trainer
from sentiment_lstm.training.objective import cross_entropy
from sentiment_lstm.training.schedule import weights_swapped

FEWEST = 10
"""With fewer mistakes on the validation texts, the temperature would depend on chance. One mistake
in four texts once made a model's logits six times as large."""


def calibrate(logits: NDArray[np.float32], targets: Targets) -> tuple[float | None, float]:
    """Fit the temperature on texts that were not trained on.

    Returns:
        The temperature (None if there are fewer than ten mistakes) and the mean loss with it, in
        nats.
    """
    enough = count_mistakes(logits, targets) >= FEWEST
    temperature = fit_temperature(logits, targets) if enough else None
    losses = cross_entropy(
        torch.from_numpy(logits) / (temperature or 1.0), torch.from_numpy(targets)
    )
    return temperature, float(losses.mean())


def count_mistakes(logits: NDArray[np.float32], targets: Targets) -> int:
    """The number of texts whose likeliest class, or whose set of labels, is not the right one."""
    if has_several(targets):
        return int(((logits > 0) != targets).any(axis=1).sum())
    return int((probabilities(logits).argmax(axis=1) != class_indices(targets)).sum())


def validation_logits(trainer: Trainer) -> NDArray[np.float32]:
    """Logits of the kept weights in the order of the validation texts, float32 [N] or [N, C]."""
    return logits_of(trainer, trainer.feed.validation)


@torch.no_grad()
def logits_of(trainer: Trainer, texts: Window) -> NDArray[np.float32]:
    """Logits of the kept weights for texts, float32 [N] or [N, C]."""
    rows, logits = [], []
    with weights_swapped(trainer.model, trainer.best):
        trainer.model.eval()
        for batch in ordered_batches(texts, trainer.settings.batch_tokens):
            ids, lengths = (
                torch.from_numpy(array).to(trainer.device) for array in (batch.ids, batch.lengths)
            )
            rows.append(batch.rows)
            logits.append(trainer.model(ids, lengths).float().cpu())
    ordered: NDArray[np.float32] = torch.cat(logits).numpy()[np.argsort(np.concatenate(rows))]
    return ordered
