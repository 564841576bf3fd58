"""The command that tells which words made a verdict: `explain`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentiment_lstm.commands.options import Json, Model
from sentiment_lstm.commands.output import check_page, print_line, say, standard_input
from sentiment_lstm.errors import MissingExtraError

if TYPE_CHECKING:
    from sentiment_lstm.api import SentimentClassifier
    from sentiment_lstm.inference.streaming import Step
    from sentiment_lstm.interpret.explain import Explanation


def explain(
    text: Annotated[str, typer.Argument(help="A text, or - for standard input.")],
    model: Model = None,
    against: Annotated[
        str | None, typer.Option(help="A class: why the label, rather than this one.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Also write a page to this file.")] = None,
    as_json: Json = False,
) -> None:
    """Tell which words moved a text's score, and how far; a page also shows the running score."""
    from sentiment_lstm.api import SentimentClassifier
    from sentiment_lstm.commands import tables

    if html is not None:
        check_page(html)
    whole = "\n".join(standard_input()) if text == "-" else text
    classifier = SentimentClassifier.from_pretrained(model)
    found = classifier.explain(whole, against)
    note = _note(classifier, found)
    shown = (html or as_json) and classifier.predictor.runtime.carries
    steps = list(classifier.stream(whole)) if shown else []
    if html is not None:
        _write(html, found, note, steps)
    if as_json:
        print_line(json.dumps({**found.to_dict(), **_reading(found, steps)}))
    else:
        tables.explanation(found)
    if note:
        say(note)


def _note(classifier: SentimentClassifier, found: Explanation) -> str:
    """Why it is only occlusion, where it is."""
    from sentiment_lstm.interpret.explain import GRADIENT_TOKENS

    if found.method != "occlusion":
        return ""
    if classifier.explainer.gradients is None:
        return (
            "Words were taken out in turn, for torch and captum are not both installed: "
            "pip install 'sentiment-lstm[explain]' for integrated gradients."
        )
    return f"Words were taken out in turn, for the text has more than {GRADIENT_TOKENS:,} tokens."


def _reading(found: Explanation, steps: Sequence[Step]) -> dict[str, list[dict[str, object]]]:
    """What is explained, as it stood after each token; and where the likeliest class changed."""
    return {
        "reading": [
            {
                "text": step.text,
                "start": step.start,
                "end": step.end,
                "score": found.f(step.probabilities),
            }
            for step in steps
        ],
        "turning_points": [
            {"text": step.text, "start": step.start, "label": step.label} for step in _turns(steps)
        ],
    }


def _turns(steps: Sequence[Step]) -> list[Step]:
    from sentiment_lstm.inference.streaming import turning_points

    return [steps[place] for place in turning_points([step.label for step in steps])]


def _write(path: Path, found: Explanation, note: str, steps: Sequence[Step]) -> None:
    from sentiment_lstm.interpret.explain import segments
    from sentiment_lstm.pages import render
    from sentiment_lstm.storage import write_atomically

    page = render(
        "explain.html",
        found=found,
        segments=segments(found),
        note=note,
        steps=steps,
        plot=_plot(found, steps),
        turns=_turns(steps),
    )
    write_atomically(path, page.encode())
    say(f"Wrote {path}.")


def _plot(found: Explanation, steps: Sequence[Step]) -> str:
    """The running score; empty where nothing was read in steps, or matplotlib is missing."""
    from sentiment_lstm.plots import SECOND, figure, svg

    if not steps:
        return ""
    named = "difference of probabilities" if found.against else "probability"
    least, middle = (-1.0, 0.0) if found.against else (0.0, 0.5)
    line = [found.f(step.probabilities) for step in steps]
    try:
        with figure(4.6, 2.6) as drawn:
            axes = drawn.subplots()
            mark = "." if len(line) < 60 else ""
            axes.plot(range(1, len(line) + 1), line, color=SECOND, marker=mark)
            axes.axhline(middle, color="grey", linewidth=0.8, linestyle=":")
            axes.set(xlabel="tokens read", ylabel=named, ylim=(least - 0.03, 1.03))
            axes.locator_params(axis="x", integer=True)
            return svg(drawn, f"The running score of {found.label}, token by token")
    except MissingExtraError:
        return ""
