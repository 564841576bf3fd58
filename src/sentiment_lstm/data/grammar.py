"""The source `grammar:N`: sentences that a grammar makes. Their labels are right by construction.

A polarity is drawn first. For each polarity of the whole, a rule states the polarity of its parts:
in a positive sentence, "I don't think that ..." is followed by a negative clause. The rules are in
`phrases/`. This file knows nothing of models or of other texts.
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
"""The number of sentences in the source `grammar`, and the largest N in `grammar:N`."""
LABELS = {NEGATIVE: "negative", NEUTRAL: "neutral", POSITIVE: "positive"}
PROBABILITIES = {NEGATIVE: 0.37, NEUTRAL: 0.26, POSITIVE: 0.37}
SEED = 20_240_229


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of sentences, such as films: its nouns, and the rules with its own facts."""

    things: tuple[Noun, ...]
    parts: tuple[Noun, ...]
    pronouns: tuple[tuple[str, str], ...]
    rules: Rules


@dataclass(frozen=True, slots=True)
class Grammar:
    """All topics, and by polarity the kinds of sentences with their cumulative weights."""

    topics: tuple[Topic, ...]
    families: Mapping[int, tuple[list[str], list[float]]]


def open_grammar(data: DataSettings) -> Source:
    """`grammar:N`: N sentences labelled `negative`, `neutral` or `positive`.

    The sentences are the same each time, and a longer source begins with the sentences of a shorter
    one. To test a model that was trained on `grammar:N`, use `grammar:A-B` (sentences A to B) with
    A above N.

    Raises:
        DataError: the part after the colon is not such a number or range, or the split is not
            `train`.
    """
    check_split(data, ("train",))
    return Source(partial(_rows, lines_of(data.source)))


def lines_of(source: str) -> range:
    """The numbers of a source's sentences: 1 to N for `grammar:N`, A to B for `grammar:A-B`.

    Raises:
        DataError: the numbers are not from 1 to `MOST`, or A is above B.
    """
    _, colon, asked = source.partition(":")
    if not colon:
        return range(1, COUNT + 1)
    match = re.fullmatch("(?:([0-9]{1,12})-)?([0-9]{1,12})", asked)
    first, last = (int(match[1] or 1), int(match[2])) if match else (0, 0)
    if not 0 < first <= last <= MOST:
        raise DataError(
            f"Expected a number of sentences from 1 to {MOST:,}, as in grammar:20000, or a range, "
            f"as in grammar:20001-40000, found {source[:100]!r}."
        )
    return range(first, last + 1)


def sentences(seed: int = SEED) -> Iterator[tuple[str, int, str]]:
    """An endless stream of texts, each with its polarity (-1, 0, 1) and family."""
    random = Random(seed)
    grammar = load_grammar()
    while True:
        polarity = random.choices(list(PROBABILITIES), list(PROBABILITIES.values()))[0]
        names, weights = grammar.families[polarity]
        family = random.choices(names, cum_weights=weights)[0]
        yield _make_text(_make_scene(grammar, random), family, polarity), polarity, family


@cache
def load_grammar() -> Grammar:
    """The grammar in the package's files."""
    families = _read_file("families")
    weights = {name: table.pop("weight") for name, table in families.items() if "weight" in table}
    words, clauses = _read_file("words"), _read_file("clauses")
    common = read_rules(words | clauses | families)
    assert len(common) == len(words) + len(clauses) + len(families), "a rule is in two files"
    topics = tuple(_make_topic(table, common) for table in _read_file("domains").values())
    return Grammar(topics, {sign: _weigh_families(weights, common, sign) for sign in LABELS})


def _read_file(name: str) -> dict[str, Any]:
    text = files("sentiment_lstm.data").joinpath("phrases", f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)


def _weigh_families(
    weights: Mapping[str, float], rules: Rules, sign: int
) -> tuple[list[str], list[float]]:
    names = [name for name in weights if sign in rules[name]]
    return names, list(accumulate(weights[name] for name in names))


def _make_topic(table: dict[str, Any], common: Rules) -> Topic:
    kind = table.pop("kind")
    things = _read_nouns(table.pop("things"), table.pop("thing_kind", kind))
    parts = [
        noun for kind, words in table.pop("parts").items() for noun in _read_nouns(words, kind)
    ]
    pronouns = tuple(_read_pronouns(two) for two in table.pop("pronouns", "it it").split(" | "))
    facts = {sign: table.pop(sign) for sign in LABELS.values()}
    return Topic(things, tuple(parts), pronouns, {**common, **read_rules(table | {"fact": facts})})


def _read_nouns(words: str, kind: str) -> tuple[Noun, ...]:
    return tuple(
        Noun(word.removesuffix("+"), word.endswith("+"), kind) for word in words.split(" | ")
    )


def _read_pronouns(words: str) -> tuple[str, str]:
    subject, object_ = words.split()
    return subject, object_


def _make_scene(grammar: Grammar, random: Random) -> Scene:
    topic = random.choice(grammar.topics)
    thing = random.choice(topic.things)
    pronouns = random.choice(topic.pronouns)
    return Scene(random, topic.rules, thing, topic.parts, pronouns, random.random() < 0.5, thing)


_BEFORE, _AFTER, _SIGN = 0.06, 0.06, 0.03
"""Probabilities of a neutral sentence before, a neutral sentence after, and a fitting smiley."""


def _make_text(scene: Scene, family: str, polarity: int) -> str:
    random = scene.random
    text = tidy(scene.pick(scene.rules[family][polarity])(scene, polarity))
    if random.random() < _BEFORE:
        text = f"{_make_aside(scene)} {text}"
    if random.random() < _AFTER:
        text = f"{text} {_make_aside(scene)}"
    text = roughen(text, random)
    if random.random() < _SIGN:
        sign = {POSITIVE: "smile", NEGATIVE: "frown", NEUTRAL: "sign"}[polarity]
        text = f"{text} {scene.pick(scene.rules[sign][polarity])(scene, polarity)}"
    return text


def _make_aside(scene: Scene) -> str:
    return tidy(scene.pick(scene.rules["aside"][NEUTRAL])(scene, NEUTRAL))


def _rows(lines: range) -> Iterator[Row]:
    made = islice(sentences(), lines.start - 1, lines.stop - 1)
    for line, (text, polarity, _) in zip(lines, made, strict=True):
        yield Row(text, LABELS[polarity], f"grammar:{line}", line)
