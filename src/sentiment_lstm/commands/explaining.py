"""The command `explain`: which words moved a score."""

from __future__ import annotations

import json
from bisect import bisect_right
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
    label: Annotated[
        str | None, typer.Option(help="The class to explain; default: the most probable one.")
    ] = None,
    against: Annotated[str | None, typer.Option(help="Compare the label with this class.")] = None,
    html: Annotated[Path | None, typer.Option(help="Also write an HTML page to this file.")] = None,
    as_json: Json = False,
) -> None:
    """Show which words and phrases moved a text's score. --html also plots the running score."""
    from sentiment_lstm.api import SentimentClassifier
    from sentiment_lstm.commands import tables

    if html is not None:
        check_page(html)
    whole = "\n".join(standard_input()) if text == "-" else text
    classifier = SentimentClassifier.from_pretrained(model)
    explanation = classifier.explain(whole, against, label=label)
    note = _note(classifier, explanation)
    needs_steps = (html or as_json) and classifier.predictor.runtime.carries
    steps = list(classifier.stream(whole)) if needs_steps else []
    if html is not None:
        _write(html, explanation, note, steps)
    if as_json:
        print_line(json.dumps({**explanation.to_dict(), **_reading(explanation, steps)}))
    else:
        tables.explanation(explanation)
    if note:
        say(note)


def _note(classifier: SentimentClassifier, explanation: Explanation) -> str:
    """Return a sentence that says why the method is occlusion; empty for another method."""
    from sentiment_lstm.interpret.explain import GRADIENT_TOKENS

    if explanation.method != "occlusion":
        return ""
    if classifier.explainer.contextual is None and classifier.explainer.gradients is None:
        return (
            "Explained by leaving out words in turn, because torch or captum is not installed: "
            "pip install 'sentiment-lstm[explain]' adds integrated gradients."
        )
    return (
        "Explained by leaving out words in turn, because the text has more than "
        f"{GRADIENT_TOKENS:,} tokens."
    )


def _reading(explanation: Explanation, steps: Sequence[Step]) -> dict[str, list[dict[str, object]]]:
    """Return the explained value after each token, and where the likeliest class changed."""
    return {
        "reading": [
            {
                "text": step.text,
                "start": step.start,
                "end": step.end,
                "score": explanation.f(step.probabilities),
            }
            for step in steps
        ],
        "turning_points": [
            {"text": step.text, "start": step.start, "label": step.label} for step in _turns(steps)
        ],
    }


def _turns(steps: Sequence[Step]) -> list[Step]:
    from sentiment_lstm.inference.streaming import turning_points

    return [steps[index] for index in turning_points([step.label for step in steps])]


def _write(path: Path, explanation: Explanation, note: str, steps: Sequence[Step]) -> None:
    from sentiment_lstm.interpret.explain import segments
    from sentiment_lstm.pages import render
    from sentiment_lstm.storage import write_atomically

    page = render(
        "explain.html",
        explanation=explanation,
        segments=segments(explanation),
        note=note,
        steps=steps,
        plot=_plot(explanation, steps),
        turns=_turns(steps),
    )
    write_atomically(path, page.encode())
    say(f"Wrote {path}.")


def _plot(explanation: Explanation, steps: Sequence[Step]) -> str:
    """Plot the score after each word; empty without steps or without matplotlib."""
    import numpy as np

    from sentiment_lstm.interpret import word_axis
    from sentiment_lstm.interpret.pictures import any_script_figure
    from sentiment_lstm.plots import SECOND, svg

    if not steps:
        return ""
    names, line = _after_each_word(explanation, steps)
    y_label = "difference of probabilities" if explanation.against else "probability"
    lowest, middle = (-1.0, 0.0) if explanation.against else (0.0, 0.5)
    try:
        with any_script_figure(word_axis.figure_width(len(line)), 3.2) as drawn:
            axes = drawn.subplots()
            axes.plot(line, color=SECOND, marker=word_axis.line_marker(len(line)))
            axes.axhline(middle, color="grey", linewidth=0.8, linestyle=":")
            axes.set(ylabel=y_label, ylim=(lowest - 0.03, 1.03))
            word_axis.label_words(axes, names, "words read")
            word_axis.label_strongest(axes, names, np.diff(line, prepend=line[0]))
            return svg(drawn, f"The score of {explanation.label} after each word")
    except MissingExtraError:
        return ""


def _after_each_word(
    explanation: Explanation, steps: Sequence[Step]
) -> tuple[list[str], list[float]]:
    """Return the words, and the explained value after the last token of each word."""
    ends = [step.end for step in steps]
    last = [max(0, bisect_right(ends, word.end) - 1) for word in explanation.tokens]
    line = [explanation.f(steps[index].probabilities) for index in last]
    return [word.text for word in explanation.tokens], line
