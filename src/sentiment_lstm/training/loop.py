"""The training loop: one update, one epoch, all epochs.

This file knows batches, a model and an optimiser. The caller decides where batches come from,
where checkpoints go and who follows (`Watcher`). A state is saved as tensors and facts.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any, Protocol

import torch
from torch import Tensor

from sentiment_lstm.batching import Position, epoch_batches, ordered_batches
from sentiment_lstm.errors import TrainingError
from sentiment_lstm.model.classifier import LSTMClassifier
from sentiment_lstm.model.language import LanguageModel
from sentiment_lstm.records import Batch
from sentiment_lstm.settings import TrainingSettings
from sentiment_lstm.training import distributed, ranks
from sentiment_lstm.training.feed import Feed
from sentiment_lstm.training.objective import Loss, Objective
from sentiment_lstm.training.schedule import WeightAverage, learning_rate, weights_swapped

Trainable = LSTMClassifier | LanguageModel

_NEXT_RANK = 2**40
"""The distance between the seeds of ranks: more than any training has updates."""


@dataclass(slots=True)
class Sums:
    """Sums over an epoch; `means` turns them into means."""

    loss: float = 0.0
    right: int = 0
    units: int = 0

    def add(self, loss: Loss) -> None:
        """Count one batch."""
        self.loss += loss.total.item()
        self.right += loss.right
        self.units += loss.units

    @property
    def means(self) -> dict[str, float]:
        """Mean loss in nats and accuracy."""
        return {"loss": self.loss / self.units, "accuracy": self.right / self.units}


@dataclass(slots=True)
class Progress:
    """How far a training has come."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    sums: Sums = field(default_factory=Sums)
    best: dict[str, float] = field(default_factory=dict)
    """The numbers of the epoch whose weights are kept, as `epoch_ended` gets them."""
    stale: int = 0
    """Epochs since the validation loss last fell."""
    done: bool = False


class Watcher(Protocol):
    """Follows the loop. Any method may raise an error to end it; the state can then be saved."""

    def stepped(self, step: dict[str, float]) -> None:
        """After each update: step, epoch, loss, extra, accuracy, grad_norm, learning_rate, tokens.

        `extra` is present only if the objective has terms besides the loss on labels.
        """

    def validated(self) -> None:
        """After each batch of validation texts."""

    def epoch_ended(self, epoch: dict[str, float]) -> None:
        """After each epoch: means over the epoch and, if there are such texts, over validation."""


class Trainer:
    """Trains a model until the epochs or steps are used up, or the validation loss stops falling.

    After `run`, `best` holds the weights that `training.keep` names. Device and precision
    must not be `auto` (`hardware.resolve_auto`).
    """

    def __init__(
        self, model: Trainable, settings: TrainingSettings, feed: Feed, objective: Objective
    ) -> None:
        self.settings, self.feed, self.objective = settings, feed, objective
        self.device = torch.device(settings.device)
        self.model = model.to(self.device)
        self.rank, self.ranks = ranks.rank(), ranks.rank_count()
        self.rate_factor = math.sqrt(self.ranks)
        """N ranks make N times fewer updates. For Adam, the learning rate should then be larger by
        the square root of N (Malladi et al. 2022, "On the SDEs and scaling rules")."""
        self.has_signal: Callable[[], bool] = lambda: False
        self.ranks_have_signal = False
        """Whether a signal had arrived at any of several ranks when the last update was made."""
        if self.ranks > 1:
            distributed.copy_first_weights(model)
        self.optimizer = _optimizer(model, settings)
        decay = settings.weight_average
        self.average = WeightAverage(model, decay) if decay else None
        self.best: dict[str, Tensor] = {}
        self.progress = Progress()
        self.total = _total_steps(settings, feed.steps)

    def run(self, watcher: Watcher) -> None:
        """Train to the end.

        Raises:
            TrainingError: a loss or gradient is not finite; the weights are those before it.
        """
        while not self.progress.done:
            if not self._out_of_steps():
                self._train_epoch(watcher)
            self._end_epoch(watcher)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything that a checkpoint needs, as tensors and facts ready for JSON."""
        groups = {"model": self.model.state_dict(), "best": self.best}
        if self.average:
            groups["average"] = self.average.weights
        for index, values in self.optimizer.state_dict()["state"].items():
            groups[f"optimizer/{index}"] = values
        tensors = {f"{g}/{name}": t for g, values in groups.items() for name, t in values.items()}
        return tensors, asdict(self.progress)

    def load_state(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Continue from a result of `state`.

        Raises:
            RuntimeError, KeyError, TypeError: it belongs to another model or is incomplete.
        """
        groups = {name.partition("/")[0] for name in tensors}
        for group, needed in (("average", self.average), ("optimizer", facts["step"])):
            if needed and group not in groups:
                raise KeyError(group)
        self.model.load_state_dict(_group(tensors, "model/"))
        self.best = {k: t.to(self.device) for k, t in _group(tensors, "best/").items()}
        if self.average:
            self.average.weights = {
                name: t.to(self.device) for name, t in _group(tensors, "average/").items()
            }
        optimizer = self.optimizer.state_dict()
        indices = {name.split("/")[1] for name in tensors if name.startswith("optimizer/")}
        optimizer["state"] = {int(i): _group(tensors, f"optimizer/{i}/") for i in indices}
        self.optimizer.load_state_dict(optimizer)
        self.progress = Progress(**{**facts, "sums": Sums(**facts["sums"])})

    def _train_epoch(self, watcher: Watcher) -> None:
        at = Position(self.progress.epoch, self.progress.batch)
        settings, windows = self.settings, self.feed.windows()
        for batch in epoch_batches(
            windows,
            settings.batch_tokens,
            settings.seed,
            at,
            batch_texts=settings.batch_texts,
            rank=self.rank,
            world_size=self.ranks,
        ):
            facts = self._train_step(batch)
            watcher.stepped(facts)
            if self._out_of_steps():
                return

    def _train_step(self, batch: Batch) -> dict[str, float]:
        """Loss, backward, clip, update; counted in `progress`."""
        progress, settings = self.progress, self.settings
        # A seed for each step: dropout is the same whether or not the training was interrupted.
        torch.manual_seed(settings.seed * 1_000_003 + progress.step + self.rank * _NEXT_RANK)
        rate = learning_rate(settings, progress.step, self.total, progress.epoch)
        rate *= self.rate_factor
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["rate_factor"]
        loss, tokens = self._backward(batch)
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), settings.clip_norm).item()
        _require_finite(loss.mean.item(), norm, progress.step)
        self.optimizer.step()
        if self.average:
            self.average.update(self.model, progress.step)
        progress.sums.add(loss)
        progress.step += 1
        progress.batch += 1
        extra = {"extra": loss.extra.item()} if isinstance(loss.extra, Tensor) else {}
        return {
            "step": progress.step,
            "epoch": progress.epoch + 1,
            "loss": loss.total.item() / loss.units,
            **extra,
            "accuracy": loss.right / loss.units,
            "grad_norm": norm,
            "learning_rate": rate,
            "tokens": tokens,
        }

    def _backward(self, batch: Batch) -> tuple[Loss, int]:
        """Compute the gradients, the loss and the number of tokens over all ranks' batches."""
        self.model.train()
        with _precision(self.settings):
            loss = self.objective(self.model, batch)
        self.optimizer.zero_grad()
        loss.mean.backward()  # type: ignore[no-untyped-call]
        if self.ranks == 1:
            return loss, batch.tokens
        return self._averaged(loss, batch)

    def _averaged(self, loss: Loss, batch: Batch) -> tuple[Loss, int]:
        """Average the gradients over all ranks; the loss and the number of tokens of all."""
        # A language model also changes the rows of the tokens that it draws.
        ids = batch.ids_of_ranks if isinstance(self.model, LSTMClassifier) else None
        extra = loss.extra.item() if isinstance(loss.extra, Tensor) else 0.0
        own = (loss.total.item(), loss.units, loss.right, extra * loss.units)
        total, units, right, extra, tokens, signals = distributed.average_gradients(
            self.model, ids, loss.units, (*own, batch.tokens, self.has_signal())
        )
        self.ranks_have_signal = signals > 0
        extra_mean = torch.tensor(extra / units) if isinstance(loss.extra, Tensor) else 0.0
        return Loss(torch.tensor(total), round(units), round(right), extra_mean), round(tokens)

    def _end_epoch(self, watcher: Watcher) -> None:
        """Validate, choose the weights to keep, and decide whether to continue."""
        progress, settings = self.progress, self.settings
        if not progress.sums.units:
            raise TrainingError("Expected texts to train on, found none: check the source.")
        weights = self.average.weights if self.average else self.model.state_dict()
        validation = self._validation(weights, watcher)
        progress.epoch, progress.batch = progress.epoch + 1, 0
        means, progress.sums = progress.sums.means, Sums()
        facts: dict[str, float] = {"epoch": progress.epoch, "step": progress.step}
        facts |= {f"train_{name}": value for name, value in means.items()}
        facts |= {f"validation_{name}": value for name, value in validation.items()}
        is_better = facts.get("validation_loss", 0.0) < progress.best.get(
            "validation_loss", math.inf
        )
        progress.stale = 0 if is_better else progress.stale + 1
        if is_better or settings.keep == "last":
            progress.best = facts
            self.best = {name: weight.detach().clone() for name, weight in weights.items()}
        stalled = bool(settings.patience) and progress.stale >= settings.patience
        progress.done = stalled or progress.epoch >= settings.epochs or self._out_of_steps()
        watcher.epoch_ended(facts)

    def _validation(self, weights: Mapping[str, Tensor], watcher: Watcher) -> dict[str, float]:
        """Loss and accuracy on the validation texts; empty if there are none."""
        if not self.feed.validation.ids:
            return {}
        with weights_swapped(self.model, weights):
            validation = self.validate(watcher)
        if not math.isfinite(validation["loss"]):
            raise TrainingError(
                f"Expected a finite validation loss after step {self.progress.step}, found "
                f"{validation['loss']}: start a new run with a lower training.learning_rate."
            )
        return validation

    @torch.no_grad()
    def validate(self, watcher: Watcher) -> dict[str, float]:
        """Mean loss in nats and accuracy on the validation texts, with the current weights."""
        self.model.eval()
        sums = Sums()
        batches = ordered_batches(self.feed.validation, self.settings.batch_tokens)
        for batch in islice(batches, self.rank, None, self.ranks):
            sums.add(self.objective(self.model, batch))
            watcher.validated()
        if self.ranks > 1:
            loss, right, units = distributed.sums_of_ranks((sums.loss, sums.right, sums.units))
            sums = Sums(loss, round(right), round(units))
        return sums.means

    def _out_of_steps(self) -> bool:
        most = ranks.updates_for(self.settings.max_steps)
        return bool(most) and self.progress.step >= most


def _optimizer(model: Trainable, settings: TrainingSettings) -> torch.optim.AdamW:
    """AdamW (Loshchilov & Hutter 2019): no decay of biases, a separate rate for the embedding."""
    embedding = [model.embedding.weight]
    others = [p for p in model.parameters() if p is not embedding[0]]
    decay = {"weight_decay": settings.weight_decay}
    groups = [
        {"params": embedding, "rate_factor": settings.embedding_rate, **decay},
        {"params": [p for p in others if p.ndim > 1], "rate_factor": 1.0, **decay},
        {"params": [p for p in others if p.ndim <= 1], "rate_factor": 1.0, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)


def _total_steps(settings: TrainingSettings, steps: int | None) -> int | None:
    bounds = [ranks.updates_for(settings.max_steps)] if settings.max_steps else []
    return min(bounds + ([steps] if steps else []), default=None)


def _precision(settings: TrainingSettings) -> contextlib.AbstractContextManager[object]:
    """Compute matrix products in bfloat16 inside the block, if the settings say so.

    Weights stay float32.
    """
    if settings.precision == "bfloat16":
        return torch.autocast(settings.device, torch.bfloat16)
    return contextlib.nullcontext()


def _require_finite(loss: float, norm: float, step: int) -> None:
    if not (math.isfinite(loss) and math.isfinite(norm)):
        raise TrainingError(
            f"Expected a finite loss and gradient at step {step + 1}, found loss {loss} and "
            f"gradient norm {norm}: start a new run with a lower training.learning_rate."
        )


def _group(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}
