"""The settings that `train --minutes` races: the choice of preset `auto`, and changes of it.

This file knows what may differ, not how candidates are trained or compared.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from functools import cache
from itertools import chain, zip_longest

from sentiment_lstm.bundle import SHIPPED, is_bundle, load_bundle
from sentiment_lstm.provenance import bundle_name
from sentiment_lstm.settings import Settings
from sentiment_lstm.training import automatic
from sentiment_lstm.training.automatic import Look

DEFAULT = SHIPPED / "default"
"""The shipped model of reviews, the second model to start from."""
_DROPOUTS = ("model.dropout", "model.embedding_dropout", "training.word_dropout")
LENGTHS = {"training.max_steps", "training.epochs"}
"""Settings that decide how long a training is."""
_LEAST_HIDDEN_SIZE = 8
_FACTORS = {
    "updates": (0.25, 0.5, 1.0, 2.0, 4.0),
    "rate": (0.25, 0.5, 1.0, 2.0, 4.0),
    "dropout": (1.3, 1.0, 0.5),
    "size": (0.5, 1.0, 2.0, 4.0),
}
"""Factors of what `auto` chooses. A challenger has a factor beside the champion's: first the one
after it, then the one before it."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A start, and factors of what `auto` chooses for it.

    `start`: the folder of the model to start from; None: start from nothing. `updates`, `rate`,
    `dropout`, `size`: factors of the number of updates, of the learning rate, of the three kinds of
    dropout, and of the hidden size of a network that starts from nothing.
    """

    start: str | None
    updates: float = 1.0
    rate: float = 1.0
    dropout: float = 1.0
    size: float = 1.0


_WORDS = {"rate": "learning rate", "size": "hidden size"}


def first_candidate(chosen: Settings) -> Candidate:
    """The choice of `auto` itself."""
    return Candidate(chosen.training.init)


def describe(candidate: Candidate, first: Candidate) -> str:
    """How a candidate differs from the choice of `auto`: `start default, learning rate x2`."""
    changes = []
    if candidate.start != first.start:
        start = bundle_name(candidate.start) if candidate.start else "nothing"
        changes.append(f"start {start}")
    for field in fields(candidate)[1:]:
        factor = getattr(candidate, field.name)
        if factor != 1:
            changes.append(f"{_WORDS.get(field.name, field.name)} x{factor:g}")
    return ", ".join(changes) or "auto"


def settings_of(candidate: Candidate, asked: Settings, seen: Look) -> Settings:
    """The settings of a candidate. Settings that the user gave stay as they are.

    Args:
        candidate: the start and the factors.
        asked: the settings of the user, before `auto` chose.
        seen: the look at the texts.
    """
    given = asked.training.given
    start = {"training.init": candidate.start, "training.given": (*given, "training.init")}
    chosen = automatic.choose(asked.updated(start), seen)
    training, model = chosen.training, chosen.model
    scaled: dict[str, object] = {
        "training.max_steps": max(1, round(training.max_steps * candidate.updates)),
        "training.learning_rate": training.learning_rate * candidate.rate,
        "model.dropout": model.dropout * candidate.dropout,
        "model.embedding_dropout": model.embedding_dropout * candidate.dropout,
        "training.word_dropout": training.word_dropout * candidate.dropout,
        "model.hidden_size": max(_LEAST_HIDDEN_SIZE, round(model.hidden_size * candidate.size)),
    }
    changes = {name: value for name, value in scaled.items() if name not in given}
    if LENGTHS & set(given):
        changes.pop("training.max_steps", None)
    return chosen.updated({**changes, "training.given": given})


def challengers(
    champion: Candidate, asked: Settings, seen: Look, tried: Collection[Candidate]
) -> list[Candidate]:
    """Candidates that differ from the champion in one thing, without those that were tried.

    The first change of each thing comes first, then the second change of each.
    """
    given = set(asked.training.given)
    is_given = {
        "updates": bool(given & LENGTHS),
        "rate": "training.learning_rate" in given,
        "dropout": given.issuperset(_DROPOUTS),
        "size": bool(champion.start) or "model.hidden_size" in given,
    }
    changed = [
        [replace(champion, start=start, size=1.0) for start in _other_starts(champion, asked, seen)]
    ]
    for name, factors in _FACTORS.items():
        at = factors.index(getattr(champion, name))
        neighbours = [] if is_given[name] else [*factors[at + 1 : at + 2], *factors[:at][-1:]]
        changed.append([_with_factor(champion, name, factor) for factor in neighbours])
    in_turn = chain.from_iterable(zip_longest(*changed))
    return [each for each in in_turn if each is not None and each not in tried]


def _with_factor(champion: Candidate, name: str, factor: float) -> Candidate:
    return replace(champion, **{name: factor})  # type: ignore[arg-type]


def _other_starts(champion: Candidate, asked: Settings, seen: Look) -> list[str | None]:
    """The starts that suit the texts, without the champion's."""
    if automatic.start_is_given(asked.training.given) or not seen.start_fits:
        return []
    starts: list[str | None] = [str(automatic.START), None]
    if is_bundle(DEFAULT) and (seen.has_validation or not _default_has_read(asked.data.source)):
        starts.insert(0, str(DEFAULT))
    return [start for start in starts if start != champion.start]


@cache
def _default_has_read(source: str) -> bool:
    """Whether the second start has learnt labels of a data set."""
    return automatic.has_read(load_bundle(DEFAULT), source)
