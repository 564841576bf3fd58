"""What differs between the rounds, and between the scales, of the road to the model that ships."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from factory.stages import RUN


@dataclass(frozen=True)
class Round:
    """Two trainings from one model on one mixture of texts, and the mean of their weights.

    `start` is the model that both trainings start from. `rates` are their learning rates, slow and
    fast. `grammar` is the range of the grammar's sentences that the round reads. `teachers` label
    reviews and excerpts before the round; a round without teachers reads the labels of the round
    before it. `part` is the part of most texts that the round reads; None: all texts. `mean_with`
    are earlier rounds whose means go into the mean.
    """

    start: str
    rates: tuple[float, float]
    grammar: tuple[int, int]
    teachers: tuple[str, ...] = ()
    part: int | None = None
    mean_with: tuple[int, ...] = ()


@dataclass(frozen=True)
class Rehearsal:
    """A training from the finished model of three classes, which labels most of its texts.

    `grammar` is the range of the grammar's sentences that it reads. A label of the files `half` is
    the mean of the model's label and the text's own label.
    """

    seed: int
    rate: float
    grammar: tuple[int, int]
    half: tuple[str, ...] = ()


ROUNDS = (
    Round("start/worded", (1e-3, 1.2e-3), (1, 300_000), ("start/language", "start/words")),
    Round("round_1/mean", (8e-4, 1e-3), (300_001, 360_000), ("round_1/mean",), part=1),
    Round("round_2/mean", (8e-4, 1e-3), (360_001, 420_000), part=2),
    Round("round_3/named", (7e-4, 8e-4), (420_001, 570_000), ("round_3/named",), part=3),
    Round("round_4/mean", (7e-4, 8e-4), (570_001, 870_000), part=4, mean_with=(4,)),
    Round("round_5/mean", (5e-4, 6e-4), (870_001, 1_070_000), part=5, mean_with=(4, 5)),
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
THREE_GRAMMAR = (1_370_001, 1_470_000)
"""The range of the grammar's sentences that the trainings with three classes read."""
THREE_RATES = (7e-4, 7e-4)
"""The learning rates of both trainings with three classes. Only their batches differ."""
OF_FRAMES = {"filled": 112_000, "opinions": 110_000, "business": 30_000}
"""How many sentences are made from the frames of these files of `factory/texts/`."""
THREE_PARTS = {"written": 2, "judged": 3, "reviews_rest": 2}
"""Of each of these files, it reads one part of this many."""
GRADED = (
    "domains",
    "rough_domains",
    "filled",
    "opinions",
    "rough_opinions",
    "business",
    "written",
    "judged_part",
    "uncertain",
    "roughened",
)
"""Its files in which a soft label of 0.5 means neutral."""
PROBABLE = ("reviews", "products", "turned")
"""Its files in which 0.5 means negative or positive."""
REHEARSALS = {
    "first": Rehearsal(120, 4e-4, (1_470_001, 1_570_000)),
    "second": Rehearsal(
        *(121, 3.5e-4, (1_570_001, 1_670_000)),
        half=("domains", "rough_domains", "business", "written"),
    ),
}
"""The trainings after the first finished model of three classes. Their mean with that model
ships."""
REHEARSAL_START = 2
"""The weight of the finished model in that mean. Each training has the weight 1."""
OWN_LABELS = ("filled", "opinions", "rough_opinions")
"""Files whose own labels these trainings read."""
REHEARSED = ("domains", "opinions", "rough_opinions", "filled", *["turned"] * 4)
"""When the output layer is fitted again, it reads a part of these files, so that the network keeps
what it can do. A file that is named four times counts four times."""
TAUGHT = ("judged", "judged_reviews", "reviews_rest", "excerpts_rest", "rough_rest", "rough_judged")
"""Files that a teaching makes."""


@dataclass(frozen=True)
class Scale:
    """How large the texts and the networks are.

    `folder` is the run's folder in `runs/`. `data` is a folder of the run with stand-ins for the
    data sets; None: the real ones. `smaller` divides the numbers of generated sentences. `certain`
    is the lowest probability of an excerpt that teaches three classes. `changes` are settings that
    differ, by template.
    """

    folder: str
    data: str | None = None
    smaller: int = 1
    certain: str = "0.9"
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
    smaller=1000,
    certain="0.5",
    changes={
        "language": (
            "text.vocabulary=1_500",
            "model.embedding_size=14",
            "model.hidden_size=14",
            "language.epochs=1",
            "language.negatives=64",
            "training.epochs=1",
            "training.weight_average=0.9",
        ),
        "words": (
            "text.vocabulary=1_500",
            "model.embedding_size=14",
            "model.hidden_size=14",
            "training.epochs=1",
            "training.weight_average=0.9",
        ),
        "reading": ("training.weight_average=0.9",),
        "three": ("training.weight_average=0.9",),
        "kept": ("training.weight_average=0.9",),
        "free": (
            "text.vocabulary=1_500",
            "model.embedding_size=14",
            "model.hidden_size=14",
            "training.epochs=1",
            "training.weight_average=0.9",
        ),
        "english_language": (
            "text.vocabulary=1_500",
            "model.embedding_size=14",
            "model.hidden_size=14",
            "language.negatives=64",
        ),
        "english_tasks": ("language.negatives=64", "training.max_steps=20"),
    },
)
SCALES = {"full": FULL, "tiny": TINY}
