"""The command `stream`: scores a text token by token."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from sentiment_lstm.commands.options import Json, Model
from sentiment_lstm.commands.output import print_line
from sentiment_lstm.errors import UsageError

if TYPE_CHECKING:
    from sentiment_lstm.inference.predictor import Predictor
    from sentiment_lstm.inference.streaming import Step


def stream(
    text: Annotated[str, typer.Argument(help="A text, or - to read standard input as it arrives.")],
    model: Model = None,
    as_json: Json = False,
) -> None:
    """Score a text token by token; show where the label changed."""
    from sentiment_lstm.api import SentimentClassifier
    from sentiment_lstm.commands import tables
    from sentiment_lstm.inference.streaming import stream as steps_of

    predictor = SentimentClassifier.from_pretrained(model).predictor
    steps = steps_of(predictor, _standard_input() if text == "-" else text)
    if as_json:
        lines = _lines_of_labels(steps) if predictor.multi_label else None
        for line in lines or _lines(steps, predictor.classes):
            print_line(line)
    else:
        tables.reading(steps, partial(_number, predictor), several=predictor.multi_label)


def _number(predictor: Predictor, step: Step) -> float:
    """Return the number that is printed and gives the colour, from 0 to 1.

    It is the probability of the last class. With the classes negative, neutral and positive, it is
    `polarity.lean`. If a text may have several labels, it is the highest probability.
    """
    from sentiment_lstm.evaluation.polarity import find_poles, is_of_three, lean

    if predictor.multi_label:
        return float(step.probabilities.max())
    if is_of_three(predictor.classes):
        return lean(step.probabilities.tolist(), find_poles(predictor.classes))
    return float(step.probabilities[-1])


def _lines(steps: Iterable[Step], classes: Sequence[str]) -> Iterator[str]:
    """Yield a JSON object per token. `change`: how far the probability of the last class moved."""
    for step in steps:
        values = {
            "text": step.text,
            "start": step.start,
            "end": step.end,
            "label": step.label,
            "score": step.score,
            classes[-1]: float(step.probabilities[-1]),
            "change": step.change,
            "probabilities": dict(zip(classes, step.probabilities.tolist(), strict=True)),
        }
        yield json.dumps(values)


def _lines_of_labels(steps: Iterable[Step]) -> Iterator[str]:
    """Yield a JSON object per token.

    `labels` are those that reach their thresholds, with their `scores`. `score` is the highest
    probability of any label.
    """
    for step in steps:
        span = {"text": step.text, "start": step.start, "end": step.end}
        labels = {"labels": step.labels, "scores": step.scores}
        yield json.dumps(span | labels | {"score": step.score, "change": step.change})


def _standard_input() -> Iterator[str]:
    """Yield standard input as it arrives. Bytes that are not UTF-8 become U+FFFD."""
    from codecs import getincrementaldecoder

    if sys.stdin is None:
        raise UsageError(
            "Expected a text on standard input, found it closed: give the text as an argument."
        )
    decoder = getincrementaldecoder("utf-8")(errors="replace")
    while piece := sys.stdin.buffer.read1(4096):  # type: ignore[union-attr]
        yield decoder.decode(piece)
    yield decoder.decode(b"", final=True)
