"""The road from texts to the models that ship: every stage, with its inputs and outputs.

`road(FULL)` lists the stages of the shipped model and of the English start. `road(TINY)` lists the
same stages on small stand-ins, for a test of minutes. `rounds.py` says what differs between the
rounds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from factory.english.texts import READ, UNLABELLED
from factory.rounds import (
    FIXED,
    FULL,
    GRADED,
    NAMED_AFTER,
    PARTS,
    PROBABLE,
    ROUNDS,
    TAUGHT,
    THREE_GRAMMAR,
    THREE_PARTS,
    THREE_RATES,
    Round,
    Scale,
)
from factory.stages import RUN, Stage
from factory.texts.sources import GOEMOTIONS, IMDB, IRONY, NEWS, PRODUCTS, TREEBANK, TWEETS


def road(scale: Scale = FULL, rounds: Sequence[Round] = ROUNDS) -> tuple[Stage, ...]:
    """All stages, each after the stages that make its inputs."""
    return tuple(_stages(scale, rounds))


def _stages(scale: Scale, rounds: Sequence[Round]) -> Iterator[Stage]:
    if scale.data:
        standins = ("--out", f"{RUN}{scale.data}")
        yield Stage("data", "factory.texts.standins", standins)
    yield from _first_models(scale)
    yield from _texts(scale)
    teaching = 0
    for number, round_ in enumerate(rounds, start=1):
        if round_.teachers:
            teaching = number
            yield from _teaching(scale, number, round_.teachers)
        yield from _round(scale, number, round_, teaching)
        if number == NAMED_AFTER:
            yield _named(scale, f"round_{number}/mean", f"round_{number}/named")
    yield from _last_of_two(scale, f"round_{len(rounds)}/mean")
    yield from _three(scale)
    yield from _shipped(scale, "three/default")
    yield from _english(scale)


def _first_models(scale: Scale) -> Iterator[Stage]:
    """A language model that learnt verdicts, and a model of whole words.

    The former also with common words as tokens.
    """
    sets = scale.sets(IMDB, PRODUCTS, TWEETS)
    yield from _training(scale, "start/language", "language", {}, reads=sets)
    yield from _training(scale, "start/words", "words", {}, reads=scale.sets(IMDB))
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
    yield from _labels(scale, place, "reviews", (*models, *linear), (), "judged_reviews")
    excerpts = ("--unlabelled", f"{RUN}texts/excerpts.jsonl")
    windows = [a for source in (PRODUCTS, IMDB, IRONY) for a in ("--windows", source)]
    graded = (*windows, "--parts", TWEETS)
    yield from _labels(scale, place, "excerpts", (*models, *excerpts), graded, "judged")
    for rough, source in (("rough_rest", "excerpts_rest"), ("rough_judged", "judged")):
        files = (f"{RUN}{place}/{source}.jsonl", f"{RUN}{place}/{rough}.jsonl")
        arguments = ("--taught", files[0], "--out", files[1])
        yield Stage(f"{place}/{rough}", "factory.texts.roughened", arguments)


def _labels(
    scale: Scale,
    place: str,
    kind: str,
    teachers: Sequence[str],
    graded: Sequence[str],
    judged: str,
) -> Iterator[Stage]:
    """Labels for reviews or excerpts, and those texts with a grade apart from the rest.

    `teachers` are arguments for the teachers, `graded` for further texts with grades.
    """
    taught, judged_file, rest = (
        f"{RUN}{place}/{name}.jsonl" for name in (f"taught_{kind}", judged, f"{kind}_rest")
    )
    arguments = (*teachers, "--out", taught)
    yield Stage(f"{place}/taught_{kind}", "factory.teachers.teacher", arguments, scale.sets(IMDB))
    arguments = ("--taught", taught, "--grades", scale.texts("grades.txt"), *graded)
    reads = scale.sets(*(a for a in graded if a.startswith("data:"))) if graded else ()
    out = ("--out", judged_file, "--rest", rest)
    yield Stage(f"{place}/{judged}", "factory.texts.judged", (*arguments, *out), reads)


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
    sources = {"grammar": _sentences(scale, round_.grammar), **files}
    sets = (IMDB, PRODUCTS, TREEBANK, TWEETS)
    yield from _slow_and_fast(
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
    yield Stage(
        f"{place}/mean",
        "factory.surgery.average",
        (*(a for m in models for a in ("--model", f"{RUN}{m}")), "--out", f"{RUN}{place}/mean"),
        reads=scale.sets(IMDB),
    )


def _files(scale: Scale, teaching: int) -> dict[str, str]:
    """The file behind each name of `factory/settings/reading.toml`, after this teaching."""
    return {
        "written": scale.texts("written.jsonl"),
        **{name: f"{RUN}texts/{name}.jsonl" for name in FIXED},
        **{name: f"{RUN}round_{teaching}/{name}.jsonl" for name in TAUGHT},
    }


def _training(
    scale: Scale,
    name: str,
    template: str,
    sources: Mapping[str, str],
    *changes: str,
    start: str | None = None,
    reads: tuple[str, ...],
) -> Iterator[Stage]:
    """A settings file and the training by it."""
    settings = ("training.precision='bfloat16'", "training.threads=1", *changes)
    settings = (*settings, *scale.changes.get(template, ()))
    arguments = [
        *("--template", f"factory/settings/{template}.toml"),
        *(f"--name={key}={value}" for key, value in sources.items()),
        *(f"--set={change}" for change in settings),
    ]
    config = f"{RUN}{name}.toml"
    yield Stage(f"{name}_settings", "factory.configure", (*arguments, "--out", config))
    model = ("--model", f"{RUN}{start}") if start else ()
    training = ("--config", config, *model, "--out", f"{RUN}{name}")
    yield Stage(name, "factory.training", training, reads)


def _sentences(scale: Scale, numbers: tuple[int, int]) -> str:
    """The grammar's sentences of a range, as a source."""
    first, last = numbers
    return f"grammar:{(first - 1) // scale.grammar + 1}-{last // scale.grammar}"


def _slow_and_fast(
    scale: Scale,
    place: str,
    template: str,
    sources: Mapping[str, str],
    rates: tuple[float, float],
    start: str,
    reads: tuple[str, ...],
) -> Iterator[Stage]:
    """Two trainings from one model, with other rates and batches."""
    for name, rate, more in (("slow", rates[0], ()), ("fast", rates[1], (60,))):
        changes = [f"training.learning_rate={rate}", *(f"training.batch_texts={n}" for n in more)]
        stage = f"{place}/{name}"
        yield from _training(scale, stage, template, sources, *changes, start=start, reads=reads)


def _named(scale: Scale, model: str, out: str) -> Stage:
    """Names as tokens that move no score."""
    arguments = ("--model", f"{RUN}{model}", "--out", f"{RUN}{out}")
    return Stage(out, "factory.surgery.named", arguments, scale.sets(IMDB, PRODUCTS, TWEETS))


def _kinds(scale: Scale, model: str, out: str, source: tuple[str, ...] = ()) -> Stage:
    """Numbers, groups and cities that move no score."""
    arguments = ("--model", f"{RUN}{model}", *source, "--out", f"{RUN}{out}")
    return Stage(out, "factory.surgery.kinds", arguments, scale.sets(IMDB))


def _last_of_two(scale: Scale, model: str) -> Iterator[Stage]:
    """The finished model of two classes: names, numbers, groups and cities move no score."""
    yield _named(scale, model, "last/named")
    yield _kinds(scale, "last/named", "last/default")


def _three(scale: Scale) -> Iterator[Stage]:
    """The model of three classes: texts, two trainings from the model of two classes, the mean."""
    two, int8 = ("--model", f"{RUN}last/default"), f"{RUN}three/int8"
    yield Stage("three/start", "factory.surgery.three", (*two, "--out", f"{RUN}three/start"))
    yield Stage("three/int8", "factory.teachers.int8", (*two, "--out", int8))
    teacher = ("--model", int8)
    windows = [a for source in (PRODUCTS, IMDB, IRONY) for a in ("--windows", source)]
    graded = (*windows, "--parts", TWEETS)
    yield from _labels(scale, "three", "reviews", teacher, graded, "judged")
    taught = f"{RUN}three/taught_excerpts.jsonl"
    excerpts = ("--unlabelled", f"{RUN}texts/excerpts.jsonl", "--out", taught)
    teaching = (*teacher, *excerpts)
    yield Stage("three/taught_excerpts", "factory.teachers.teacher", teaching, scale.sets(IMDB))
    out = ("--out", f"{RUN}three/certain_excerpts.jsonl")
    certain = ("--probabilities", taught, "--certain", scale.certain, *out)
    yield Stage("three/certain_excerpts", "factory.texts.three", certain)
    yield from _texts_of_three(scale)
    files = {name: f"{RUN}three/{name}.jsonl" for name in (*GRADED, *PROBABLE, "certain_excerpts")}
    sources = {"people": f"{RUN}three/people", **files}
    reads = (*scale.sets(IMDB, TREEBANK), *sources.values())
    sources["grammar"] = _sentences(scale, THREE_GRAMMAR)
    yield from _slow_and_fast(scale, "three", "three", sources, THREE_RATES, "three/start", reads)
    means = [a for name in ("slow", "fast") for a in ("--model", f"{RUN}three/{name}")]
    yield Stage("three/mean", "factory.surgery.average", (*means, "--out", f"{RUN}three/mean"))
    shared = ("--model", f"{RUN}three/mean", "--like", f"{RUN}three/start")
    yield Stage("three/shared", "factory.surgery.shared", (*shared, "--out", f"{RUN}three/shared"))
    yield _kinds(scale, "three/shared", "three/default", ("--source", f"{RUN}three/people"))


def _texts_of_three(scale: Scale) -> Iterator[Stage]:
    """Texts with labels of three classes."""
    sets = scale.sets(GOEMOTIONS, NEWS, TWEETS, TREEBANK, IMDB)
    people = ("--out", f"{RUN}three/people")
    reads = (*sets, scale.texts("grades.txt"))
    yield Stage("three/people", "factory.texts.people", people, reads)
    invented = f"{RUN}texts/invented.jsonl"
    yield Stage("texts/invented", "factory.texts.invented", ("--out", invented))
    domains, rough = scale.texts("domains.jsonl"), f"{RUN}texts/rough_domains.jsonl"
    roughened = ("--taught", domains, "--out", rough)
    yield Stage("texts/rough_domains", "factory.texts.roughened", roughened)
    parts = ["--number", "1"]
    for name, every in THREE_PARTS.items():
        whole = scale.texts("written.jsonl") if name == "written" else f"{RUN}three/{name}.jsonl"
        parts += ["--file", whole, "--every", str(every)]
        parts += ["--out", f"{RUN}three/parts/{name}.jsonl"]
    yield Stage("three/parts", "factory.texts.part", tuple(parts))
    files = {
        "domains": domains,
        "judged_part": f"{RUN}three/parts/judged.jsonl",
        "reviews": f"{RUN}three/parts/reviews_rest.jsonl",
        "written": f"{RUN}three/parts/written.jsonl",
        "products": f"{RUN}texts/taught_products.jsonl",
    }
    for kind, names in (("--grades", GRADED), ("--probabilities", PROBABLE)):
        for name in names:
            file = files.get(name, f"{RUN}texts/{name}.jsonl")
            out = ("--out", f"{RUN}three/{name}.jsonl")
            yield Stage(f"three/{name}", "factory.texts.three", (kind, file, *out))


def _shipped(scale: Scale, model: str) -> Iterator[Stage]:
    """The bundle that ships, measured."""
    arguments = ("--model", f"{RUN}{model}", "--out", f"{RUN}shipped/default")
    sets = scale.sets(IMDB, TREEBANK, TWEETS, PRODUCTS, GOEMOTIONS, NEWS, IRONY)
    yield Stage("shipped/default", "factory.measure.ship", arguments, sets)


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
