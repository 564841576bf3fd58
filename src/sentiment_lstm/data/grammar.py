"""Sentences made by a grammar that knows what they mean: a source of training texts, `grammar:N`.

A polarity is drawn first; every rule says what its parts must mean for the whole to mean that, so
labels hold by construction: to be positive, "I don't think that ..." takes a negative clause.
The rules are data, in `phrases/`. Knows nothing of models or of texts from elsewhere.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from itertools import accumulate, islice
from random import Random
from typing import Any

from sentiment_lstm.data.english import tidy
from sentiment_lstm.data.noise import roughen
from sentiment_lstm.data.source import Source, check_split
from sentiment_lstm.data.templates import (
    NEGATIVE,
    NEUTRAL,
    POSITIVE,
    Noun,
    Rules,
    Scene,
    read_rules,
)
from sentiment_lstm.errors import DataError
from sentiment_lstm.records import Row
from sentiment_lstm.settings import DataSettings

COUNT, MOST = 20_000, 10_000_000
"""Sentences of the source `grammar`, and the last of `grammar:N` at most."""
LABELS = {NEGATIVE: "negative", NEUTRAL: "neutral", POSITIVE: "positive"}
SHARES = {NEGATIVE: 0.37, NEUTRAL: 0.26, POSITIVE: 0.37}
SEED = 20_240_229


@dataclass(frozen=True, slots=True)
class Topic:
    """A field of life that sentences are about: its nouns, and the rules with its own facts."""

    things: tuple[Noun, ...]
    parts: tuple[Noun, ...]
    pronouns: tuple[tuple[str, str], ...]
    rules: Rules


@dataclass(frozen=True, slots=True)
class Grammar:
    """`families`: for each polarity, names of kinds of sentences and their summed weights."""

    topics: tuple[Topic, ...]
    families: Mapping[int, tuple[list[str], list[float]]]


def open_grammar(data: DataSettings) -> Source:
    """`grammar` or `grammar:N`: N sentences labelled `negative`, `neutral` or `positive`.

    The same at each reading, and the first rows of a longer source are those of a shorter one:
    what has learnt from N reads others in `grammar:A-B`, sentences A to B.

    Raises:
        DataError: what follows the colon is not such numbers, or another split than `train` was
            asked for.
    """
    check_split(data, ("train",))
    return Source(partial(_rows, lines_of(data.source)))


def lines_of(source: str) -> range:
    """Which sentences of all: 1 to N of `grammar:N`, A to B of `grammar:A-B`.

    Raises:
        DataError: it does not end with whole numbers from 1 to `MOST`, or A is above B.
    """
    _, colon, asked = source.partition(":")
    if not colon:
        return range(1, COUNT + 1)
    found = re.fullmatch("(?:([0-9]{1,12})-)?([0-9]{1,12})", asked)
    first, last = (int(found[1] or 1), int(found[2])) if found else (0, 0)
    if not 0 < first <= last <= MOST:
        raise DataError(
            f"Expected how many sentences, from 1 to {MOST:,}, as in grammar:20000, or which, as "
            f"in grammar:20001-40000, found {source[:100]!r}."
        )
    return range(first, last + 1)


def sentences(seed: int = SEED) -> Iterator[tuple[str, int, str]]:
    """Text, polarity (-1, 0, 1) and family, without end."""
    random = Random(seed)
    grammar = load_grammar()
    while True:
        polarity = random.choices(list(SHARES), list(SHARES.values()))[0]
        names, weights = grammar.families[polarity]
        family = random.choices(names, cum_weights=weights)[0]
        yield _text(_scene(grammar, random), family, polarity), polarity, family


@cache
def load_grammar() -> Grammar:
    """The grammar as the package's files tell it."""
    families = _read("families")
    weights = {name: table.pop("weight") for name, table in families.items() if "weight" in table}
    words, clauses = _read("words"), _read("clauses")
    common = read_rules(words | clauses | families)
    assert len(common) == len(words) + len(clauses) + len(families), "a rule stands in two files"
    topics = tuple(_topic(table, common) for table in _read("domains").values())
    return Grammar(topics, {sign: _weighed(weights, common, sign) for sign in LABELS})


def _read(name: str) -> dict[str, Any]:
    text = files("sentiment_lstm.data").joinpath("phrases", f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)


def _weighed(
    weights: Mapping[str, float], rules: Rules, sign: int
) -> tuple[list[str], list[float]]:
    names = [name for name in weights if sign in rules[name]]
    return names, list(accumulate(weights[name] for name in names))


def _topic(table: dict[str, Any], common: Rules) -> Topic:
    kind = table.pop("kind")
    things = _nouns(table.pop("things"), table.pop("thing_kind", kind))
    parts = [noun for kind, words in table.pop("parts").items() for noun in _nouns(words, kind)]
    pronouns = tuple(_pair(two) for two in table.pop("pronouns", "it it").split(" | "))
    facts = {sign: table.pop(sign) for sign in LABELS.values()}
    return Topic(things, tuple(parts), pronouns, {**common, **read_rules(table | {"fact": facts})})


def _nouns(words: str, kind: str) -> tuple[Noun, ...]:
    return tuple(
        Noun(word.removesuffix("+"), word.endswith("+"), kind) for word in words.split(" | ")
    )


def _pair(words: str) -> tuple[str, str]:
    subject, object_ = words.split()
    return subject, object_


def _scene(grammar: Grammar, random: Random) -> Scene:
    topic = random.choice(grammar.topics)
    thing = random.choice(topic.things)
    pronouns = random.choice(topic.pronouns)
    return Scene(random, topic.rules, thing, topic.parts, pronouns, random.random() < 0.5, thing)


_BEFORE, _AFTER, _SIGN = 0.06, 0.06, 0.03
"""Shares of texts with a neutral sentence before or after, or a smiley that fits."""


def _text(scene: Scene, family: str, polarity: int) -> str:
    random = scene.random
    text = tidy(scene.pick(scene.rules[family][polarity])(scene, polarity))
    if random.random() < _BEFORE:
        text = f"{_aside(scene)} {text}"
    if random.random() < _AFTER:
        text = f"{text} {_aside(scene)}"
    text = roughen(text, random)
    if random.random() < _SIGN:
        sign = {POSITIVE: "smile", NEGATIVE: "frown", NEUTRAL: "sign"}[polarity]
        text = f"{text} {scene.pick(scene.rules[sign][polarity])(scene, polarity)}"
    return text


def _aside(scene: Scene) -> str:
    return tidy(scene.pick(scene.rules["aside"][NEUTRAL])(scene, NEUTRAL))


def _rows(lines: range) -> Iterator[Row]:
    wanted = islice(sentences(), lines.start - 1, lines.stop - 1)
    for line, (text, polarity, _) in zip(lines, wanted, strict=True):
        yield Row(text, LABELS[polarity], f"grammar:{line}", line)
