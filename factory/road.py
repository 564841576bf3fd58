"""The road from texts to the model that ships: every stage, with its inputs and outputs.

`ROUNDS` says what differs between the rounds. `road(FULL)` lists the stages of the shipped model.
`road(TINY)` lists the same stages on small stand-ins, for a test of minutes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from factory.stages import RUN, Stage

IMDB, IRONY, PRODUCTS = "data:imdb", "data:irony", "data:products"
TREEBANK, TWEETS = "data:sst", "data:tweets"


@dataclass(frozen=True)
class Round:
    """Two trainings from one model on one mixture of texts, and the mean of their weights.

    `start` is the model that both trainings start from. `rates` are their learning rates, slow and
    fast. `grammar` is the range of the grammar's sentences that the round reads. `teachers` label
    reviews and excerpts before the round; a round without teachers reads the labels of the round
    before it. `part` is the part of most texts that the round reads; None: all texts. `mean_with`
    are earlier models that go into the mean.
    """

    start: str
    rates: tuple[float, float]
    grammar: tuple[int, int]
    teachers: tuple[str, ...] = ()
    part: int | None = None
    mean_with: tuple[str, ...] = ()


ROUNDS = (
    Round(
        start="start/worded",
        rates=(1e-3, 1.2e-3),
        grammar=(1, 300_000),
        teachers=("start/language", "start/words"),
    ),
    Round(
        start="round_1/mean",
        rates=(8e-4, 1e-3),
        grammar=(300_001, 360_000),
        teachers=("round_1/mean",),
        part=1,
    ),
    Round(start="round_2/mean", rates=(8e-4, 1e-3), grammar=(360_001, 420_000), part=2),
    Round(
        start="round_3/named",
        rates=(7e-4, 8e-4),
        grammar=(420_001, 570_000),
        teachers=("round_3/named",),
        part=3,
    ),
    Round(
        start="round_4/mean",
        rates=(7e-4, 8e-4),
        grammar=(570_001, 870_000),
        part=4,
        mean_with=("round_4/mean",),
    ),
    Round(
        start="round_5/mean",
        rates=(5e-4, 6e-4),
        grammar=(870_001, 1_070_000),
        part=5,
        mean_with=("round_4/mean", "round_5/mean"),
    ),
)
"""Every round reads sentences of the grammar that no other round reads: a model learns sentences by
heart that it reads in all rounds (docs/log.md)."""
NAMED_AFTER = 3
"""After this round names become tokens, and once more after the last round."""
PARTS = {
    "written": 3,
    "judged": 3,
    "reviews_rest": 4,
    "excerpts_rest": 5,
    "rough_rest": 6,
    "rough_written": 8,
    "rough_judged": 8,
}
"""A part is one of this many. Texts that people labelled are read in full by every round, so that
they count for more."""


FIXED = (
    "roughened",
    "rough_written",
    "taught_products",
    "taught_tweets",
    "taught_tweets_negative",
    "uncertain",
    "turned",
)
"""Files of `texts/`, which no model of the road has a say in."""
TAUGHT = ("judged", "judged_reviews", "reviews_rest", "excerpts_rest", "rough_rest", "rough_judged")
"""Files that a teaching makes."""


@dataclass(frozen=True)
class Scale:
    """How large the texts and the networks are.

    `folder` is the run's folder in `runs/`. `data` is a folder of the run with stand-ins for the
    data sets; None: the real ones. `grammar` divides the rounds' ranges of sentences. `changes` are
    settings that differ, by template.
    """

    folder: str
    data: str | None = None
    grammar: int = 1
    changes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def texts(self, name: str) -> str:
        """A file of `factory/texts/`, or its stand-in."""
        return f"{RUN}{self.data}/texts/{name}" if self.data else f"factory/texts/{name}"

    def sets(self, *names: str) -> tuple[str, ...]:
        """Data sets as inputs of a stage."""
        return (f"{RUN}{self.data}",) if self.data else names


FULL = Scale("factory")
TINY = Scale(
    "factory_tiny",
    data="data",
    grammar=1000,
    changes={
        "language": (
            "text.vocabulary=1_500",
            "model.embedding=14",
            "model.hidden=14",
            "language.epochs=1",
            "language.negatives=64",
            "training.epochs=1",
            "training.weight_average=0.9",
        ),
        "words": (
            "text.vocabulary=1_500",
            "model.embedding=14",
            "model.hidden=14",
            "training.epochs=1",
            "training.weight_average=0.9",
        ),
        "reading": ("training.weight_average=0.9",),
    },
)
SCALES = {"full": FULL, "tiny": TINY}


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
    yield from _last(scale, f"round_{len(rounds)}/mean")


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

    def stage(name: str, script: str, *arguments: str, reads: tuple[str, ...]) -> Stage:
        return Stage(f"texts/{name}", f"factory.{script}", arguments, reads)

    def out(name: str) -> tuple[str, str]:
        return "--out", f"{RUN}texts/{name}"

    reviews = scale.sets(IMDB, PRODUCTS)
    yield stage(
        "documents",
        "teachers.document_vectors",
        *out("documents.npz"),
        reads=scale.sets(IMDB),
    )
    yield stage(
        "excerpts", "texts.excerpts", "--also", PRODUCTS, *out("excerpts.jsonl"), reads=reviews
    )
    yield stage("roughened", "texts.roughened", *out("roughened.jsonl"), reads=scale.sets(TREEBANK))
    yield stage(
        "rough_written",
        "texts.roughened",
        *("--taught", scale.texts("written.jsonl"), "--times", "4"),
        *out("rough_written.jsonl"),
        reads=(),
    )
    yield stage(
        "taught_products",
        "teachers.linear_teacher",
        *("--source", PRODUCTS, "--sharper", "2"),
        *out("taught_products.jsonl"),
        reads=scale.sets(PRODUCTS),
    )
    yield stage(
        "taught_tweets",
        "teachers.linear_teacher",
        *("--source", TWEETS, "--graded", "--first", f"{RUN}texts/taught_tweets_negative.jsonl"),
        *out("taught_tweets.jsonl"),
        reads=(*scale.sets(TWEETS), "factory/texts/grades.txt"),
    )
    yield stage(
        "uncertain",
        "texts.uncertain",
        *("--also", PRODUCTS, "--grades", scale.texts("uncertain.txt")),
        *out("uncertain.jsonl"),
        reads=reviews,
    )
    yield stage(
        "turned",
        "texts.turned",
        *("--source", IMDB, "--source", PRODUCTS, "--edits", scale.texts("edits.jsonl")),
        *out("turned.jsonl"),
        reads=reviews,
    )


def _teaching(scale: Scale, number: int, teachers: Sequence[str]) -> Iterator[Stage]:
    """Teachers label reviews and excerpts; texts with a grade are separated from the rest."""
    place = f"round_{number}"

    def file(name: str) -> str:
        return f"{RUN}{place}/{name}.jsonl"

    for teacher in teachers:
        copy = f"{place}/int8_{teacher.rpartition('/')[2]}"
        arguments = ("--model", f"{RUN}{teacher}", "--out", f"{RUN}{copy}")
        yield Stage(copy, "factory.teachers.int8", arguments)
    models = [
        argument
        for teacher in teachers
        for argument in ("--model", f"{RUN}{place}/int8_{teacher.rpartition('/')[2]}")
    ]
    yield Stage(
        f"{place}/taught_reviews",
        "factory.teachers.teacher",
        (
            *models,
            *("--linear", "--documents", f"{RUN}texts/documents.npz"),
            *("--out", file("taught_reviews")),
        ),
        reads=scale.sets(IMDB),
    )
    grades = ("--grades", scale.texts("grades.txt"))
    yield Stage(
        f"{place}/judged_reviews",
        "factory.texts.judged",
        (
            *("--taught", file("taught_reviews"), *grades),
            *("--out", file("judged_reviews"), "--rest", file("reviews_rest")),
        ),
    )
    yield Stage(
        f"{place}/taught_excerpts",
        "factory.teachers.teacher",
        (
            *models,
            *("--unlabelled", f"{RUN}texts/excerpts.jsonl"),
            *("--out", file("taught_excerpts")),
        ),
        reads=scale.sets(IMDB),
    )
    windows = (a for source in (PRODUCTS, IMDB, IRONY) for a in ("--windows", source))
    yield Stage(
        f"{place}/judged",
        "factory.texts.judged",
        (
            *("--taught", file("taught_excerpts"), *grades, *windows, "--parts", TWEETS),
            *("--out", file("judged"), "--rest", file("excerpts_rest")),
        ),
        reads=scale.sets(PRODUCTS, IMDB, IRONY, TWEETS),
    )
    for rough, source in (("rough_rest", "excerpts_rest"), ("rough_judged", "judged")):
        arguments = ("--taught", file(source), "--out", file(rough))
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
    first, last = round_.grammar
    sentences = f"grammar:{(first - 1) // scale.grammar + 1}-{last // scale.grammar}"
    sources = {"grammar": sentences, **files}
    for name, rate, more in (("slow", round_.rates[0], ()), ("fast", round_.rates[1], (60,))):
        changes = [f"training.learning_rate={rate}", *(f"training.batch_texts={n}" for n in more)]
        yield from _training(
            scale,
            f"{place}/{name}",
            "reading",
            sources,
            *changes,
            start=round_.start,
            reads=(*scale.sets(IMDB, PRODUCTS, TREEBANK, TWEETS), *files.values()),
        )
    models = (*round_.mean_with, f"{place}/slow", f"{place}/fast")
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


def _named(scale: Scale, model: str, out: str) -> Stage:
    """Names as tokens that move no score."""
    arguments = ("--model", f"{RUN}{model}", "--out", f"{RUN}{out}")
    return Stage(out, "factory.surgery.named", arguments, scale.sets(IMDB, PRODUCTS, TWEETS))


def _last(scale: Scale, model: str) -> Iterator[Stage]:
    """Names, numbers, nations, religions and cities; then the bundle that ships, measured."""
    yield _named(scale, model, "last/named")
    arguments = ("--model", f"{RUN}last/named", "--out", f"{RUN}last/default")
    yield Stage("last/default", "factory.surgery.kinds", arguments, scale.sets(IMDB))
    arguments = ("--model", f"{RUN}last/default", "--out", f"{RUN}shipped/default")
    sets = scale.sets(IMDB, TREEBANK, TWEETS, PRODUCTS)
    yield Stage("shipped/default", "factory.measure.ship", arguments, sets)
