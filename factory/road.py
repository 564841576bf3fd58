"""The road from texts to the models that ship: every stage, with its inputs and outputs.

`road(FULL)` lists the stages of the shipped model and of the English start. `road(TINY)` lists the
same stages on small stand-ins, for a test of minutes. `rounds.py` says what differs between the
rounds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from factory.english.texts import READ, UNLABELLED
from factory.road_of_three import free, of_three
from factory.rounds import (
    FIXED,
    FULL,
    NAMED_AFTER,
    PARTS,
    ROUNDS,
    TAUGHT,
    Round,
    Scale,
)
from factory.stages import RUN, Stage
from factory.steps import (
    GRADED_PARTS,
    kinds,
    labels,
    mean,
    named,
    sentences,
    slow_and_fast,
    training,
)
from factory.texts.sources import GOEMOTIONS, IMDB, IRONY, NEWS, PRODUCTS, TREEBANK, TWEETS


def road(scale: Scale = FULL) -> tuple[Stage, ...]:
    """All stages, each after the stages that make its inputs."""
    return tuple(_stages(scale))


def _stages(scale: Scale) -> Iterator[Stage]:
    if scale.data:
        standins = ("--out", f"{RUN}{scale.data}")
        yield Stage("data", "factory.texts.standins", standins)
    yield from _first_models(scale)
    yield from _texts(scale)
    teaching = 0
    for number, round_ in enumerate(ROUNDS, start=1):
        if round_.teachers:
            teaching = number
            yield from _teaching(scale, number, round_.teachers)
        yield from _round(scale, number, round_, teaching)
        if number == NAMED_AFTER:
            yield named(scale, f"round_{number}/mean", f"round_{number}/named")
    yield from _last_of_two(scale, f"round_{len(ROUNDS)}/mean")
    yield from of_three(scale)
    yield from _shipped(scale, "kept/default", "default")
    yield from free(scale)
    yield from _shipped(scale, "free/network", "free")
    yield from _english(scale)


def _first_models(scale: Scale) -> Iterator[Stage]:
    """A language model that learnt verdicts, and a model of whole words.

    The former also with common words as tokens.
    """
    sets = scale.sets(IMDB, PRODUCTS, TWEETS)
    yield from training(scale, "start/language", "language", {}, reads=sets)
    yield from training(scale, "start/words", "words", {}, reads=scale.sets(IMDB))
    yield Stage(
        "start/worded",
        "factory.surgery.words",
        ("--model", f"{RUN}start/language", "--out", f"{RUN}start/worded"),
        reads=sets,
    )


def _texts(scale: Scale) -> Iterator[Stage]:
    """Texts and vectors that no model of the road has a say in."""

    def stage(name: str, script: str, *arguments: str, reads: tuple[str, ...] = ()) -> Stage:
        out = f"{RUN}texts/{name}.{'npz' if name == 'documents' else 'jsonl'}"
        return Stage(f"texts/{name}", f"factory.{script}", (*arguments, "--out", out), reads)

    written, uncertain, edits = map(scale.texts, ("written.jsonl", "uncertain.txt", "edits.jsonl"))
    reviews, products, tweets = (IMDB, PRODUCTS), ("--source", PRODUCTS), ("--source", TWEETS)
    negative = ("--first", f"{RUN}texts/taught_tweets_negative.jsonl")
    yield stage("documents", "teachers.document_vectors", reads=scale.sets(IMDB))
    also = ("--also", PRODUCTS)
    yield stage("excerpts", "texts.excerpts", *also, reads=scale.sets(*reviews))
    yield stage("roughened", "texts.roughened", reads=scale.sets(TREEBANK))
    yield stage("rough_written", "texts.roughened", "--taught", written, "--times", "4")
    yield stage(
        "taught_products",
        "teachers.linear_teacher",
        *(*products, "--sharper", "2"),
        reads=scale.sets(PRODUCTS),
    )
    yield stage(
        "taught_tweets",
        "teachers.linear_teacher",
        *(*tweets, "--graded", *negative),
        reads=(*scale.sets(TWEETS), "factory/texts/grades.txt"),
    )
    graded = (*also, "--grades", uncertain)
    yield stage("uncertain", "texts.uncertain", *graded, reads=scale.sets(*reviews))
    turned = ("--source", IMDB, *products, "--edits", edits)
    yield stage("turned", "texts.turned", *turned, reads=scale.sets(*reviews))


def _teaching(scale: Scale, number: int, teachers: Sequence[str]) -> Iterator[Stage]:
    """Teachers label reviews and excerpts; texts with a grade are separated from the rest."""
    place = f"round_{number}"
    models: list[str] = []
    for teacher in teachers:
        copy = f"{place}/int8_{teacher.rpartition('/')[2]}"
        arguments = ("--model", f"{RUN}{teacher}", "--out", f"{RUN}{copy}")
        yield Stage(copy, "factory.teachers.int8", arguments)
        models += ["--model", f"{RUN}{copy}"]
    linear = ("--linear", "--documents", f"{RUN}texts/documents.npz")
    yield from labels(scale, place, "reviews", (*models, *linear), (), "judged_reviews")
    excerpts = ("--unlabelled", f"{RUN}texts/excerpts.jsonl")
    yield from labels(scale, place, "excerpts", (*models, *excerpts), GRADED_PARTS, "judged")
    for rough, source in (("rough_rest", "excerpts_rest"), ("rough_judged", "judged")):
        files = (f"{RUN}{place}/{source}.jsonl", f"{RUN}{place}/{rough}.jsonl")
        arguments = ("--taught", files[0], "--out", files[1])
        yield Stage(f"{place}/{rough}", "factory.texts.roughened", arguments)


def _round(scale: Scale, number: int, round_: Round, teaching: int) -> Iterator[Stage]:
    """The parts of the texts, both trainings, the mean."""
    place = f"round_{number}"
    files = _files(scale, teaching)
    if round_.part is not None:
        parts = {name: f"{RUN}{place}/parts/{name}.jsonl" for name in PARTS}
        arguments = ["--number", str(round_.part)]
        for name, every in PARTS.items():
            arguments += ["--file", files[name], "--every", str(every), "--out", parts[name]]
        yield Stage(f"{place}/parts", "factory.texts.part", tuple(arguments))
        files |= parts
    sources = {"grammar": sentences(scale, round_.grammar), **files}
    sets = (IMDB, PRODUCTS, TREEBANK, TWEETS)
    yield from slow_and_fast(
        scale,
        place,
        "reading",
        sources,
        round_.rates,
        round_.start,
        (*scale.sets(*sets), *files.values()),
    )
    earlier = (f"round_{n}/mean" for n in round_.mean_with)
    models = (*earlier, f"{place}/slow", f"{place}/fast")
    yield mean(f"{place}/mean", models, scale.sets(IMDB))


def _files(scale: Scale, teaching: int) -> dict[str, str]:
    """The file behind each name of `factory/settings/reading.toml`, after this teaching."""
    return {
        "written": scale.texts("written.jsonl"),
        **{name: f"{RUN}texts/{name}.jsonl" for name in FIXED},
        **{name: f"{RUN}round_{teaching}/{name}.jsonl" for name in TAUGHT},
    }


def _last_of_two(scale: Scale, model: str) -> Iterator[Stage]:
    """The finished model of two classes: names, numbers, groups and cities move no score."""
    yield named(scale, model, "last/named")
    yield kinds(scale, "last/named", "last/default")


def _shipped(scale: Scale, model: str, name: str) -> Iterator[Stage]:
    """The bundle that ships, or could, measured."""
    arguments = ("--model", f"{RUN}{model}", "--out", f"{RUN}shipped/{name}")
    sets = scale.sets(IMDB, TREEBANK, TWEETS, PRODUCTS, GOEMOTIONS, NEWS, IRONY)
    yield Stage(f"shipped/{name}", "factory.measure.ship", arguments, sets)


def _english(scale: Scale) -> Iterator[Stage]:
    """The start of trainings on English texts: a language model that learnt several tasks."""
    steps = (
        ("language", (), UNLABELLED),
        ("tasks", ("--model", f"{RUN}english/language"), READ),
    )
    for step, model, sets in steps:
        name, template = f"english/{step}", f"english_{step}"
        config, out = ("--config", f"{RUN}{name}.toml"), ("--out", f"{RUN}{name}")
        changes = [f"--set={change}" for change in scale.changes.get(template, ())]
        settings = ("--template", f"factory/settings/{template}.toml", *changes)
        written = ("--out", config[1])
        yield Stage(f"{name}_settings", "factory.configure", (*settings, *written))
        arguments = (*config, *model, *out)
        yield Stage(name, f"factory.english.{step}", arguments, scale.sets(*sets))
    arguments = ("--model", f"{RUN}english/tasks", "--out", f"{RUN}shipped/english")
    yield Stage("shipped/english", "factory.english.ship", arguments)
