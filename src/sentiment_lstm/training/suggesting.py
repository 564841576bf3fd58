"""What a search tries next and what it gives up: the space of settings, and Optuna's part in it.

Every answer is worked out anew from the rows of finished trials (`search.Search`), so Optuna keeps
nothing. Its file storages would be a second truth beside ours: a process that is killed can leave
the journal locked or with half a line, and neither takes up a trial that is half done.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sentiment_lstm.errors import MissingExtraError
from sentiment_lstm.settings import Settings

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler

Row = Mapping[str, Any]
Space = dict[str, "BaseDistribution"]

_JUDGES = 4
"""Trials that must have ended by themselves before another is measured against their median."""


def space(settings: Settings, fixed: Collection[str] = ()) -> Space:
    """What trials vary around these settings, by name.

    Layers, vocabulary and the length of texts stay as they are: they change the seconds of a trial
    more than its loss.

    Args:
        settings: of the first trial; they lie within the space.
        fixed: names that are not varied.
    """
    from optuna.distributions import CategoricalDistribution as OneOf
    from optuna.distributions import FloatDistribution as Between

    model, training = settings.model, settings.training
    rate, share = training.learning_rate, training.embedding_rate
    varied: Space = {
        # Matters most; its best value moves with data, size and batch.
        "training.learning_rate": Between(rate / 4, rate * 4, log=True),
        # The fewer the texts, the more of these three must go: units, parts of words, words.
        "model.dropout": Between(0.0, max(0.7, model.dropout)),
        "model.embedding_dropout": Between(0.0, max(0.6, model.embedding_dropout)),
        "training.word_dropout": Between(0.0, max(0.3, training.word_dropout)),
        # How much the network can hold: half for few texts, twice for many.
        "model.hidden_size": _halved_or_doubled(model.hidden_size),
        # Short texts decide at their end, long ones anywhere.
        "model.pooling": OneOf(("last", "max+mean", "max+mean+last", "attention")),
        # More updates an epoch, or steadier ones.
        "training.batch_tokens": _halved_or_doubled(training.batch_tokens),
        # How far the embedding may leave a start that knows something.
        "training.embedding_rate": Between(min(0.05, share), max(1.0, share), log=True),
    }
    if training.init:  # the network is the bundle's
        fixed = {*fixed, "model.hidden_size", "model.pooling"}
    elif training.embeddings == "random":
        fixed = {*fixed, "training.embedding_rate"}
    return {name: kind for name, kind in varied.items() if name not in fixed}


def suggest(rows: Sequence[Row], kinds: Space, seed: int) -> dict[str, Any]:
    """The values of the next trial, by the tree-structured Parzen estimator.

    The same rows and seed give the same values: each trial has a sampler with a seed of its own,
    made of the seed and the number of rows. Source: Bergstra et al. 2011, "Algorithms for
    Hyper-Parameter Optimization".
    """
    from optuna.samplers import TPESampler

    own = int(np.random.SeedSequence([seed, len(rows)]).generate_state(1)[0])
    asked = _study(rows, kinds, TPESampler(seed=own)).ask(kinds).params
    return {name: _rounded(asked[name], kind) for name, kind in kinds.items()}


def lags_behind(rows: Sequence[Row], losses: Sequence[float], epochs: int) -> bool:
    """Whether a trial with these validation losses, one an epoch, is worth no further epoch.

    It is not where its best loss is above the median of what complete trials had after as many
    epochs, once there are four of them. In the first quarter of its `epochs` it is not judged:
    while all losses are those of guessing, their differences mean nothing.
    """
    from optuna.pruners import MedianPruner
    from optuna.trial import TrialState, create_trial

    if not 0 < len(losses) < epochs:
        return False
    pruner = MedianPruner(n_startup_trials=_JUDGES, n_warmup_steps=1 + epochs // 4)
    trial = create_trial(state=TrialState.RUNNING, intermediate_values=_by_epoch(losses))
    return bool(pruner.prune(_study(rows, {}), trial))


def require_optuna() -> None:
    """Fail early and in one sentence where the extra is missing; else keep Optuna's log quiet.

    Raises:
        MissingExtraError: Optuna is not installed.
    """
    try:
        from optuna import logging
    except ImportError as error:
        raise MissingExtraError(
            "Expected Optuna for a search, found it is not installed: "
            "pip install 'sentiment-lstm[search]'."
        ) from error
    logging.set_verbosity(logging.WARNING)


def _study(rows: Sequence[Row], kinds: Space, sampler: BaseSampler | None = None) -> Study:
    """Optuna's view of the finished trials."""
    from optuna import create_study
    from optuna.trial import TrialState, create_trial

    states = {
        "complete": TrialState.COMPLETE,
        "pruned": TrialState.PRUNED,
        "failed": TrialState.FAIL,
    }
    study = create_study(direction="minimize", sampler=sampler)
    for row in rows:
        trial = create_trial(
            state=states[row["outcome"]],
            value=row["validation_loss"] if row["outcome"] == "complete" else None,
            params={name: row["settings"][name] for name in kinds},
            distributions=kinds,
            intermediate_values=_by_epoch(row["losses"]),
        )
        study.add_trial(trial)
    return study


def _by_epoch(losses: Sequence[float]) -> dict[int, float]:
    return dict(enumerate(losses, start=1))


def _halved_or_doubled(value: int) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution

    return CategoricalDistribution(sorted({max(1, value // 2), value, value * 2}))


def _rounded(value: object, kind: BaseDistribution) -> object:
    """Two digits of a fraction say enough; it stays within its bounds."""
    from optuna.distributions import FloatDistribution

    if not isinstance(kind, FloatDistribution):
        return value
    return min(max(float(f"{value:.2g}"), kind.low), kind.high)
