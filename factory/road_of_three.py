"""The part of the road with three classes: negative, neutral, positive."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from factory.rounds import (
    GRADED,
    OF_FRAMES,
    OWN_LABELS,
    PROBABLE,
    REHEARSAL_START,
    REHEARSALS,
    REHEARSED,
    THREE_GRAMMAR,
    THREE_PARTS,
    THREE_RATES,
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
from factory.texts.sources import EMOTION, GOEMOTIONS, IMDB, NEWS, OFFENSIVE, TREEBANK, TWEETS


def of_three(scale: Scale) -> Iterator[Stage]:
    """The model of three classes: texts, two trainings from the model of two classes, the mean."""
    two, int8 = ("--model", f"{RUN}last/default"), f"{RUN}three/int8"
    yield Stage("three/start", "factory.surgery.three", (*two, "--out", f"{RUN}three/start"))
    yield Stage("three/int8", "factory.teachers.int8", (*two, "--out", int8))
    teacher = ("--model", int8)
    yield from labels(scale, "three", "reviews", teacher, GRADED_PARTS, "judged")
    taught = f"{RUN}three/taught_excerpts.jsonl"
    excerpts = ("--unlabelled", f"{RUN}texts/excerpts.jsonl", "--out", taught)
    teaching = (*teacher, *excerpts)
    yield Stage("three/taught_excerpts", "factory.teachers.teacher", teaching, scale.sets(IMDB))
    out = ("--out", f"{RUN}three/certain_excerpts.jsonl")
    certain = ("--probabilities", taught, "--certain", scale.certain, *out)
    yield Stage("three/certain_excerpts", "factory.texts.three", certain)
    yield from _texts_of_three(scale)
    yield from _trainings_of_three(scale)
    yield from _finished(scale, "three", "three/start")
    yield from _rehearsals(scale)
    yield from _finished(scale, "kept", "three/default")


def _finished(scale: Scale, place: str, start: str) -> Iterator[Stage]:
    """From a mean of trainings to a model that could ship: names, groups, the output layer.

    `start` is the model that the trainings started from.
    """
    models = ("--model", f"{RUN}{place}/mean", "--like", f"{RUN}{start}")
    shared = (*models, "--out", f"{RUN}{place}/shared")
    yield Stage(f"{place}/shared", "factory.surgery.shared", shared)
    people = ("--source", f"{RUN}three/people")
    yield named(scale, f"{place}/shared", f"{place}/named", people)
    yield kinds(scale, f"{place}/named", f"{place}/kinds", people)
    kept = [argument for name in REHEARSED for argument in ("--kept", f"{RUN}three/{name}.jsonl")]
    fitted = ("--model", f"{RUN}{place}/kinds", *people, *kept, "--out", f"{RUN}{place}/default")
    yield Stage(f"{place}/default", "factory.surgery.output", fitted)


def _rehearsals(scale: Scale) -> Iterator[Stage]:
    """Further trainings with labels of the finished model, and their mean with it."""
    files = {name: f"{RUN}three/{name}.jsonl" for name in (*GRADED, *PROBABLE)}
    texts = {
        **{name: file for name, file in files.items() if name not in OWN_LABELS},
        "people": f"{RUN}three/people",
        "excerpts": f"{RUN}texts/excerpts.jsonl",
        "sst": TREEBANK,
    }
    labels = {name: f"{RUN}kept/labels/{_file_name(name)}" for name in texts}
    yield _kept_labels("kept/labels", texts, labels, scale.sets(TREEBANK))
    half = dict.fromkeys(name for plan in REHEARSALS.values() for name in plan.half)
    halves = {name: f"{RUN}kept/half_labels/{_file_name(name)}" for name in half}
    yield _kept_labels("kept/half_labels", {name: texts[name] for name in half}, halves, (), 0.5)
    for name, plan in REHEARSALS.items():
        sources = files | labels | {file: halves[file] for file in plan.half}
        reads = (*scale.sets(IMDB), *sources.values())
        sources["grammar"] = sentences(scale, plan.grammar)
        changes = (f"training.seed={plan.seed}", f"training.learning_rate={plan.rate}")
        start = "three/default"
        stage = f"kept/{name}"
        yield from training(scale, stage, "kept", sources, *changes, start=start, reads=reads)
    models = ("three/default", *(f"kept/{name}" for name in REHEARSALS))
    weights = (REHEARSAL_START, *(1 for _ in REHEARSALS))
    yield mean("kept/mean", models, weights=weights)


def _kept_labels(
    name: str,
    texts: Mapping[str, str],
    outs: Mapping[str, str],
    reads: tuple[str, ...],
    own: float = 0.0,
) -> Stage:
    """Labels of the finished model for all of these texts."""
    pairs = [a for key, text in texts.items() for a in ("--texts", text, "--out", outs[key])]
    arguments = ("--model", f"{RUN}three/default", "--own", str(own), *pairs)
    return Stage(name, "factory.teachers.kept", arguments, reads)


def _file_name(name: str) -> str:
    return name if name == "people" else f"{name}.jsonl"


def _trainings_of_three(scale: Scale) -> Iterator[Stage]:
    """Two trainings with three classes, and the mean of their weights."""
    files = {name: f"{RUN}three/{name}.jsonl" for name in (*GRADED, *PROBABLE, "certain_excerpts")}
    sources = {"people": f"{RUN}three/people", **files}
    reads = (*scale.sets(IMDB, TREEBANK), *sources.values())
    sources["grammar"] = sentences(scale, THREE_GRAMMAR)
    start = "three/start"
    yield from slow_and_fast(scale, "three", "three", sources, THREE_RATES, start, reads)
    yield mean("three/mean", ("three/slow", "three/fast"))


def _texts_of_three(scale: Scale) -> Iterator[Stage]:
    """Texts with labels of three classes."""
    sets = scale.sets(GOEMOTIONS, NEWS, TWEETS, OFFENSIVE, EMOTION, TREEBANK, IMDB)
    people = ("--out", f"{RUN}three/people")
    reads = (*sets, scale.texts("grades.txt"))
    yield Stage("three/people", "factory.texts.people", people, reads)
    reads = ("factory/texts/fillers.json",)
    for name, count in OF_FRAMES.items():
        frames = ("--frames", f"factory/texts/{name}.jsonl", "--count", str(count // scale.smaller))
        out = ("--out", f"{RUN}texts/{name}.jsonl")
        yield Stage(f"texts/{name}", "factory.texts.filled", (*frames, *out), reads)
    opinions = f"{RUN}texts/opinions.jsonl"
    for name, file in (("domains", scale.texts("domains.jsonl")), ("opinions", opinions)):
        roughened = ("--taught", file, "--out", f"{RUN}texts/rough_{name}.jsonl")
        yield Stage(f"texts/rough_{name}", "factory.texts.roughened", roughened)
    parts = ["--number", "1"]
    for name, every in THREE_PARTS.items():
        whole = scale.texts("written.jsonl") if name == "written" else f"{RUN}three/{name}.jsonl"
        parts += ["--file", whole, "--every", str(every)]
        parts += ["--out", f"{RUN}three/parts/{name}.jsonl"]
    yield Stage("three/parts", "factory.texts.part", tuple(parts))
    files = {
        "domains": scale.texts("domains.jsonl"),
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


def free(scale: Scale) -> Iterator[Stage]:
    """A model of three classes that reads only texts whose terms allow commercial use."""
    people, written = f"{RUN}free/people", f"{RUN}free/written.jsonl"
    reads = scale.sets(GOEMOTIONS, NEWS)
    yield Stage("free/people", "factory.texts.people", ("--free", "--out", people), reads)
    grades = ("--grades", scale.texts("written.jsonl"))
    yield Stage("free/written", "factory.texts.three", (*grades, "--out", written))
    files = {name: f"{RUN}three/{name}.jsonl" for name in ("domains", "rough_domains", "filled")}
    sources = {"people": people, "written": written, **files}
    reads = tuple(sources.values())
    sources["grammar"] = sentences(scale, THREE_GRAMMAR)
    yield from training(scale, "free/network", "free", sources, reads=reads)
