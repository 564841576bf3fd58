"""Chooses with Optuna what a search varies, what it tries next and which trials it stops.

Each answer is computed from the rows of the finished trials (`search.Search`). Optuna stores
nothing, because its files would have to agree with `search.json` at all times: a kill can leave
Optuna's journal locked or with half a line, and Optuna cannot resume a trial.
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
"""A trial is compared with the median only if this many trials are complete."""


def space(settings: Settings, fixed: Collection[str] = ()) -> Space:
    """The settings that trials vary, by name, and the range of each.

    Layers, vocabulary and text length are not varied: they change the time of a trial more than
    its loss.

    Args:
        settings: the settings of the first trial; they are within the ranges.
        fixed: names that are not varied.
    """
    from optuna.distributions import CategoricalDistribution as OneOf
    from optuna.distributions import FloatDistribution as Between

    model, training = settings.model, settings.training
    rate, embedding_rate = training.learning_rate, training.embedding_rate
    varied: Space = {
        # The most important setting. Its best value depends on data, network and batch.
        "training.learning_rate": Between(rate / 4, rate * 4, log=True),
        # Few texts need much dropout, many texts little.
        "model.dropout": Between(0.0, max(0.7, model.dropout)),
        "model.embedding_dropout": Between(0.0, max(0.6, model.embedding_dropout)),
        "training.word_dropout": Between(0.0, max(0.3, training.word_dropout)),
        # Half the size for few texts, twice for many.
        "model.hidden_size": _halved_or_doubled(model.hidden_size),
        # In a long text, the decisive words may be anywhere.
        "model.pooling": OneOf(("last", "max+mean", "max+mean+last", "attention")),
        # Small batches give more updates, large ones steadier updates.
        "training.batch_tokens": _halved_or_doubled(training.batch_tokens),
        # How far the embedding may move from pretrained first values.
        "training.embedding_rate": Between(
            min(0.05, embedding_rate), max(1.0, embedding_rate), log=True
        ),
    }
    if training.init:  # the network comes from the bundle
        fixed = {*fixed, "model.hidden_size", "model.pooling"}
    elif training.embeddings == "random":
        fixed = {*fixed, "training.embedding_rate"}
    return {name: kind for name, kind in varied.items() if name not in fixed}


def suggest(rows: Sequence[Row], kinds: Space, seed: int) -> dict[str, Any]:
    """The values of the next trial, by the tree-structured Parzen estimator.

    The same rows and seed give the same values. Each trial has its own sampler, seeded from `seed`
    and the number of rows. Source: Bergstra et al. 2011, "Algorithms for Hyper-Parameter
    Optimization".
    """
    from optuna.samplers import TPESampler

    trial_seed = int(np.random.SeedSequence([seed, len(rows)]).generate_state(1)[0])
    values = _study(rows, kinds, TPESampler(seed=trial_seed)).ask(kinds).params
    return {name: _rounded(values[name], kind) for name, kind in kinds.items()}


def lags_behind(rows: Sequence[Row], losses: Sequence[float], epochs: int) -> bool:
    """Whether a trial should be stopped, given its validation losses, one per epoch.

    A trial is stopped if its best loss is above the median loss of the complete trials after as
    many epochs. This needs four complete trials. No trial is stopped in the first quarter of its
    `epochs`, because at first all models guess and the differences mean nothing.
    """
    from optuna.pruners import MedianPruner
    from optuna.trial import TrialState, create_trial

    if not 0 < len(losses) < epochs:
        return False
    pruner = MedianPruner(n_startup_trials=_JUDGES, n_warmup_steps=1 + epochs // 4)
    trial = create_trial(state=TrialState.RUNNING, intermediate_values=_by_epoch(losses))
    return bool(pruner.prune(_study(rows, {}), trial))


def require_optuna() -> None:
    """Check that Optuna is installed, and silence its log.

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
    """The finished trials in the form that Optuna uses."""
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
    """A fraction rounded to two digits, within its bounds; other values unchanged."""
    from optuna.distributions import FloatDistribution

    if not isinstance(kind, FloatDistribution):
        return value
    return min(max(float(f"{value:.2g}"), kind.low), kind.high)
