"""Stages that several parts of the road have: labels by teachers, trainings, means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from factory.rounds import Scale
from factory.stages import RUN, Stage
from factory.texts.sources import IMDB, IRONY, PRODUCTS, TWEETS

GRADED_PARTS = (
    *("--windows", PRODUCTS, "--windows", IMDB, "--windows", IRONY),
    *("--parts", TWEETS),
)
"""Parts of texts that have a grade, as arguments of `factory.texts.judged`."""


def labels(
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


def training(
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


def sentences(scale: Scale, numbers: tuple[int, int]) -> str:
    """The grammar's sentences of a range, as a source."""
    first, last = numbers
    return f"grammar:{(first - 1) // scale.smaller + 1}-{last // scale.smaller}"


def slow_and_fast(
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
        yield from training(scale, stage, template, sources, *changes, start=start, reads=reads)


def mean(
    out: str,
    models: Iterable[str],
    reads: tuple[str, ...] = (),
    weights: Iterable[float] = (),
) -> Stage:
    """The mean of the models' weights; `weights` makes it a weighted one."""
    arguments = [a for model in models for a in ("--model", f"{RUN}{model}")]
    arguments += [a for weight in weights for a in ("--weight", str(weight))]
    return Stage(out, "factory.surgery.average", (*arguments, "--out", f"{RUN}{out}"), reads)


def named(scale: Scale, model: str, out: str, source: tuple[str, ...] = ()) -> Stage:
    """Names as tokens. With two classes, they move no score."""
    arguments = ("--model", f"{RUN}{model}", *source, "--out", f"{RUN}{out}")
    return Stage(out, "factory.surgery.named", arguments, scale.sets(IMDB, PRODUCTS, TWEETS))


def kinds(scale: Scale, model: str, out: str, source: tuple[str, ...] = ()) -> Stage:
    """Numbers, groups and cities that move no score."""
    arguments = ("--model", f"{RUN}{model}", *source, "--out", f"{RUN}{out}")
    return Stage(out, "factory.surgery.kinds", arguments, scale.sets(IMDB))
