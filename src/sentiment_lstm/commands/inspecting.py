"""The command `inspect`: looks inside the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sentiment_lstm import storage
from sentiment_lstm.commands.options import Json, Model, refuse_others
from sentiment_lstm.commands.output import print_line, say, standard_input
from sentiment_lstm.errors import UsageError

if TYPE_CHECKING:
    from sentiment_lstm.bundle import Bundle
    from sentiment_lstm.commands.tables import Grid
    from sentiment_lstm.interpret.inspection import Inspection
    from sentiment_lstm.interpret.pictures import Picture
    from sentiment_lstm.interpret.reach import Reach

_DISTANCES = (0, 1, 10, 50, 100)
"""Tokens before the end at which a table shows a gradient. 0 is the last token."""
_NO_TORCH = (
    "The reach of the gradient is left out because torch is not installed: "
    "pip install 'sentiment-lstm[train]'."
)


def inspect(
    context: typer.Context,
    text: Annotated[str | None, typer.Argument(help="A text, or - for standard input.")] = None,
    gradients: Annotated[
        bool,
        typer.Option(
            "--gradients", help="Train small networks and measure their gradients instead."
        ),
    ] = False,
    model: Model = None,
    before: Annotated[
        str | None,
        typer.Option(
            help="An earlier model, such as RUN/language: also show the nearest words in it."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A folder for pictures (PNG, SVG) and index.html.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the network's gates, state, nearest words and gradients."""
    if gradients == (text is not None):
        raise UsageError("Expected either a text or --gradients, found both or neither.")
    if gradients:
        expected = "only --out and --json with --gradients"
        refuse_others(context, ("gradients", "out", "as_json"), expected)
        _study(out, as_json=as_json)
    else:
        whole = "\n".join(standard_input()) if text == "-" else str(text)
        _inspect(whole, model, before, out, as_json=as_json)


def _inspect(
    text: str, model: str | None, before: str | None, out: Path | None, *, as_json: bool
) -> None:
    from sentiment_lstm.api import SentimentClassifier
    from sentiment_lstm.bundle import load_bundle
    from sentiment_lstm.finding import find_model
    from sentiment_lstm.interpret.inspection import Embedding, find_neighbours, inspect_text

    classifier = SentimentClassifier.from_pretrained(model)
    bundle = classifier.bundle
    earlier = Embedding(load_bundle(find_model(before))) if before else None
    inspection = inspect_text(bundle, classifier.predictor, text)
    reach = _measure_reach(bundle, inspection)
    neighbours = find_neighbours(inspection, Embedding(bundle), earlier)
    values = {
        **inspection.to_dict(),
        "reach": reach and reach.to_dict(),
        "neighbours": [asdict(word) for word in neighbours],
    }
    grids = _text_grids(values)
    _print(values, grids, as_json=as_json)
    if reach is None:
        say(_NO_TORCH)
    if out is not None:
        from sentiment_lstm.interpret.pictures import draw_text

        note = "" if reach else _NO_TORCH
        page = {"title": "Inside the LSTM", "model": model or "the model that ships"}
        pictures = draw_text(inspection, reach)
        _write(out, values, grids, pictures, {**page, "before": before, "note": note})


def _measure_reach(bundle: Bundle, inspection: Inspection) -> Reach | None:
    try:
        from sentiment_lstm.interpret.reach import measure_reach
    except ModuleNotFoundError:
        return None
    return measure_reach(bundle, inspection.ids)


def _text_grids(values: Mapping[str, Any]) -> list[Grid]:
    """The numbers of a text as tables: a row for each layer, a row for each gradient."""
    from sentiment_lstm.commands.tables import Grid

    rows = [_layer_row(number, layer) for number, layer in enumerate(values["layers"], start=1)]
    title = "means over the text; half-lives of the units in tokens: 10%, median, 90%"
    grids = [Grid(title, ["layer", "forget gate", "10%", "median", "90%", "movement"], rows)]
    if values["reach"]:
        names = {"score": "the score", "memory": "the last state"}
        rows = [[names[name], *_at(norms)] for name, norms in values["reach"].items()]
        count = len(values["tokens"])
        head = ["gradient of", *(str(at) for at in _DISTANCES if at < count)]
        title = "norm of the gradient with respect to an embedding, by tokens before the end"
        grids.append(Grid(title, head, rows))
    return grids


def _layer_row(number: int, layer: Mapping[str, Any]) -> list[str]:
    half_lives = [f"{layer['half_life'][name]:.3g}" for name in ("10%", "median", "90%")]
    return [
        str(number),
        f"{layer['mean_forget_gate']:.3f}",
        *half_lives,
        f"{layer['movement']:.3f}",
    ]


def _at(norms: Sequence[float]) -> list[str]:
    return [f"{norms[at]:.2g}" for at in _DISTANCES if at < len(norms)]


def _study(out: Path | None, *, as_json: bool) -> None:
    from sentiment_lstm.training.gradient_study import run_study

    values = run_study(lambda name: say(f"trained {name}"))
    grids = _study_grids(values)
    _print(values, grids, as_json=as_json)
    if out is not None:
        from sentiment_lstm.interpret.study_pictures import draw_study

        page = {"title": "Vanishing and exploding gradients", "lead": values["task"]}
        _write(out, values, grids, draw_study(values), {**page, "note": ""})


def _study_grids(values: Mapping[str, Any]) -> list[Grid]:
    """The numbers of a study as a table: a row for each network."""
    from sentiment_lstm.commands.tables import Grid

    head = ["network", "clipped", "100 : 1, start", "end", "largest norm", "loss", "accuracy"]
    rows = []
    for run in values["runs"]:
        ratios = [run["ratio"][name] for name in ("start", "end")]
        last = run["loss"][-len(run["loss"]) // 10 :]
        rows.append(
            [
                run["name"],
                "no" if run["clip_norm"] is None else f"at {run['clip_norm']:g}",
                *("-" if ratio is None else f"{ratio:.1e}" for ratio in ratios),
                f"{max(run['gradient_norm']):.3g}",
                f"{sum(last) / len(last):.3f}",
                f"{run['accuracy']:.1%}",
            ]
        )
    title = (
        "norm of the gradient 100 tokens before the end, divided by that 1 token before; "
        "mean loss of the last tenth of the updates"
    )
    return [Grid(title, head, rows)]


def _write(
    folder: Path,
    values: Mapping[str, Any],
    grids: Sequence[Grid],
    pictures: Sequence[Picture],
    page: Mapping[str, Any],
) -> None:
    """Write the pictures before the page, so that an existing page has all its pictures."""
    from sentiment_lstm.pages import render

    files = {name: data for picture in pictures for name, data in picture.files().items()}
    html = render("inspect.html", values=values, grids=grids, pictures=pictures, **page)
    named = {"inspect.json": storage.as_json(values), "index.html": html.encode()}
    storage.write_together(folder, {**files, **named})
    say(f"Wrote {folder / 'index.html'}.")


def _print(values: Mapping[str, Any], grids: Sequence[Grid], *, as_json: bool) -> None:
    from sentiment_lstm.commands import tables

    if as_json:  # indented, because it is a single object
        print_line(storage.as_json(values).decode().rstrip())
        return
    for grid in grids:
        tables.grid(grid)
