r"""Teach the English start several labelled tasks at once.

    python -m factory.english.tasks --config runs/factory/english/tasks.toml \
        --model runs/factory/english/language --out runs/factory/english/tasks

Every update reads one task, drawn at random. Each task has an output layer of its own, and all
share the embedding and the LSTM (Caruana 1997; Liu, Qiu & Huang 2016). The texts of each update
also teach the language model, with half the weight, so that the network does not forget it (Rei
2017). Only the shared layers are saved.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from factory.english.language import token_counts
from factory.english.texts import Task, all_tasks
from sentiment_lstm.batching import Window, length_batches, lengths_of, padded
from sentiment_lstm.bundle import Bundle, load_bundle, save_bundle
from sentiment_lstm.errors import run_script
from sentiment_lstm.model.classifier import LSTMClassifier
from sentiment_lstm.model.language import LanguageModel
from sentiment_lstm.model.weights import load_weights, to_arrays
from sentiment_lstm.records import Batch
from sentiment_lstm.setting_names import read_toml
from sentiment_lstm.settings import Settings, TrainingSettings
from sentiment_lstm.text.tokenizer import TextTokenizer, head_and_tail
from sentiment_lstm.training.hardware import prepare
from sentiment_lstm.training.schedule import learning_rate

_LANGUAGE_WEIGHT = 0.5
"""The factor of the language model's loss."""
_LABELS_WEIGHT = 10.0
"""The factor of the loss of tasks with several labels per text. Their loss is a mean over labels,
most of which are easy."""
_BATCHES_SEED = 1
_REPORT_EVERY = 250
"""Updates between two lines of numbers."""


class TaskNetwork(nn.Module):
    """A classifier's shared layers with an output layer for each task.

    Args:
        classifier: its embedding, LSTM and pooling are trained. It has one layer and one direction.
        language: trains the same layers on the next token.
        tasks: the tasks. Each gets an output layer.
    """

    def __init__(
        self, classifier: LSTMClassifier, language: LanguageModel, tasks: Sequence[Task]
    ) -> None:
        super().__init__()
        self.classifier, self.language = classifier, language
        width = classifier.pooling.width
        self.heads = nn.ModuleDict({task.name: nn.Linear(width, task.outputs) for task in tasks})

    def trained(self) -> list[nn.Parameter]:
        """All parameters but those of the classifier's own output layer."""
        return [
            *self.classifier.embedding.parameters(),
            *self.classifier.ahead.parameters(),
            *self.language.project.parameters(),
            self.language.bias,
            *self.heads.parameters(),
        ]

    def forward(self, task: str, ids: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Read texts of a task.

        Args:
            task: its name.
            ids: token ids, int64 [B, T], padded on the right.
            lengths: tokens of each text without padding, int64 [B].

        Returns:
            The logits of the task's outputs, [B, C], and the loss of each next token in nats, [N].
        """
        network = self.classifier
        states, _ = network.ahead[0](network.embedding_dropout(network.embedding(ids)))
        zeros = states.new_zeros(len(ids), states.shape[2])
        pooled = network.pooling(states, lengths, network.pooling.start(zeros))
        logits = self.heads[task](network.dropout(network.pooling.summary(pooled)))
        if not (lengths > 1).any():
            return logits, states.new_zeros(0)
        losses, _ = self.language.losses(states[:, :-1], ids, lengths)
        return logits, losses


@dataclass
class TaskTraining:
    """One training of all tasks. `sums` holds updates and accuracies since the last report."""

    network: TaskNetwork
    settings: TrainingSettings
    optimizer: torch.optim.AdamW
    sums: dict[str, list[float]] = field(default_factory=dict)

    def update(self, step: int, task: str, batch: Batch) -> None:
        """Learn one batch of a task."""
        rate = learning_rate(self.settings, step, self.settings.max_steps, epoch=0)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.network.train()
        ids, lengths = torch.from_numpy(batch.ids), torch.from_numpy(batch.lengths)
        logits, losses = self.network(task, ids, lengths)
        loss, accuracy = task_loss(logits, batch)
        if len(losses):
            loss = loss + _LANGUAGE_WEIGHT * losses.mean()
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.trained(), self.settings.clip_norm)
        self.optimizer.step()
        self.sums.setdefault(task, []).append(accuracy)

    def report(self, step: int) -> None:
        """Print the mean accuracy of each task since the last report."""
        means = (f"{name} {np.mean(values):.3f}" for name, values in sorted(self.sums.items()))
        print(f"{step:,} updates: {', '.join(means)}", flush=True)
        self.sums.clear()


def task_loss(logits: Tensor, batch: Batch) -> tuple[Tensor, float]:
    """The mean loss of a batch, and the fraction of its classes or labels that are right.

    Args:
        logits: [B, C].
        batch: `targets` holds the labels of a task with several labels per text; else None, and
            `labels` holds the class indices.
    """
    if batch.targets is None:
        labels = torch.from_numpy(batch.labels)
        right = logits.argmax(1) == labels
        return F.cross_entropy(logits, labels), right.float().mean().item()
    targets = torch.from_numpy(batch.targets)
    right = (logits > 0) == (targets > 0.5)
    loss = F.binary_cross_entropy_with_logits(logits, targets) * _LABELS_WEIGHT
    return loss, right.float().mean().item()


def train_tasks(settings: Settings, start: Bundle) -> Bundle:
    """Train from the language model.

    Args:
        settings: dropout, batches and schedule. Nothing in them is `auto`.
        start: the language model.

    Returns:
        The language model's bundle with the new weights. The output layer means nothing.
    """
    training = settings.training
    prepare(training)
    torch.manual_seed(training.seed)
    tasks = all_tasks()
    dropout = settings.model.dropout, settings.model.embedding_dropout
    shape = replace(start.config.model, dropout=dropout[0], embedding_dropout=dropout[1])
    classifier = LSTMClassifier(shape, len(start.tokenizer), len(start.config.classes))
    load_weights(classifier, {k: v for k, v in start.weights.items() if "output." not in k})
    windows = {task.name: _window(task, start.tokenizer, settings) for task in tasks}
    counts = torch.from_numpy(token_counts(windows.values(), len(start.tokenizer))).float()
    language = LanguageModel(classifier, counts, settings.language.negatives)
    network = TaskNetwork(classifier, language, tasks)
    optimizer = torch.optim.AdamW(
        network.trained(), training.learning_rate, weight_decay=training.weight_decay, fused=True
    )
    run = TaskTraining(network, training, optimizer)
    for step, (task, batch) in enumerate(_drawn_batches(tasks, windows, training)):
        run.update(step, task, batch)
        if (step + 1) % _REPORT_EVERY == 0 or step + 1 == training.max_steps:
            run.report(step + 1)
    return replace(start, weights=to_arrays(classifier.state_dict()), metrics={}, card="")


def _window(task: Task, tokenizer: TextTokenizer, settings: Settings) -> Window:
    most = settings.language.max_tokens
    ids = [head_and_tail(encoded.ids, most) for encoded in tokenizer.encode(task.texts)]
    if task.targets.ndim == 1:
        return Window(ids, task.targets.astype(np.int64))
    none = np.zeros(len(ids), dtype=np.int64)
    return Window(ids, none, targets=task.targets.astype(np.float32))


def _drawn_batches(
    tasks: Sequence[Task], windows: Mapping[str, Window], training: TrainingSettings
) -> Iterator[tuple[str, Batch]]:
    """The task and the batch of each update."""
    rng = np.random.default_rng(training.seed)
    fractions = np.array([task.fraction for task in tasks])
    fractions /= fractions.sum()
    batches = {name: _endless_batches(window, training) for name, window in windows.items()}
    for _ in range(training.max_steps):
        name = tasks[rng.choice(len(tasks), p=fractions)].name
        yield name, next(batches[name])


def _endless_batches(window: Window, training: TrainingSettings) -> Iterator[Batch]:
    """Batches of a task, shuffled anew in each pass."""
    for epoch in count():
        rng = np.random.default_rng((_BATCHES_SEED, epoch))
        for rows in length_batches(
            lengths_of(window.ids), training.batch_tokens, rng, batch_texts=training.batch_texts
        ):
            yield padded(window, rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, train, save."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--config", type=Path, required=True, help="the settings, in TOML")
    parser.add_argument("--model", type=Path, required=True, help="the language model")
    parser.add_argument("--out", type=Path, required=True, help="the bundle's folder")
    options = parser.parse_args(arguments)
    settings = Settings().updated(read_toml(options.config))
    save_bundle(options.out, train_tasks(settings, load_bundle(options.model)))
    return 0


if __name__ == "__main__":
    run_script(main)
