"""The command that looks inside the network: `inspect`."""

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
    from sentiment_lstm.interpret.inspection import Inside
    from sentiment_lstm.interpret.pictures import Picture
    from sentiment_lstm.interpret.reach import Reach

_DISTANCES = (0, 1, 10, 50, 100)
"""Tokens before the end at which a gradient is named; 0 is the last one."""
_NO_TORCH = (
    "How far back the gradient reaches is left out, for torch is not installed: "
    "pip install 'sentiment-lstm[train]'."
)


def inspect(
    context: typer.Context,
    text: Annotated[str | None, typer.Argument(help="A text, or - for standard input.")] = None,
    gradients: Annotated[
        bool,
        typer.Option(
            "--gradients", help="Train small networks and follow their gradients instead."
        ),
    ] = False,
    model: Model = None,
    before: Annotated[
        str | None,
        typer.Option(
            help="An earlier model, such as RUN/language: its nearest words stand beside."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A folder for pictures (PNG, SVG) and index.html.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Look inside the network: gates, state, nearest words, how far back gradients reach."""
    if gradients == (text is not None):
        raise UsageError("Expected a text to look into, or --gradients: give one or the other.")
    if gradients:
        refuse_others(context, ("gradients", "out", "as_json"), "but --out and --json")
        _study(out, as_json=as_json)
    else:
        whole = "\n".join(standard_input()) if text == "-" else str(text)
        _inspect(whole, model, before, out, as_json=as_json)


def _inspect(
    text: str, model: str | None, before: str | None, out: Path | None, *, as_json: bool
) -> None:
    from sentiment_lstm.api import SentimentClassifier, find_model
    from sentiment_lstm.bundle import load_bundle
    from sentiment_lstm.interpret import inspection

    classifier = SentimentClassifier.from_pretrained(model)
    bundle = classifier.bundle
    earlier = load_bundle(find_model(before)) if before else None
    read = inspection.read_inside(bundle, classifier.predictor, text)
    reached = _reach(bundle, read)
    near = inspection.neighbours(
        read, inspection.Embedding(bundle), inspection.Embedding(earlier) if earlier else None
    )
    values = {
        **inspection.to_dict(read),
        "reach": reached and reached.to_dict(),
        "neighbours": [asdict(one) for one in near],
    }
    grids = _text_grids(values)
    _tell(values, grids, as_json=as_json)
    if reached is None:
        say(_NO_TORCH)
    if out is not None:
        from sentiment_lstm.interpret.pictures import text_pictures

        note = "" if reached else _NO_TORCH
        page = {"title": "Inside the LSTM", "model": model or "the model that ships"}
        _write(
            out,
            values,
            grids,
            text_pictures(read, reached),
            {**page, "before": before, "note": note},
        )


def _reach(bundle: Bundle, read: Inside) -> Reach | None:
    try:
        from sentiment_lstm.interpret.reach import reach
    except ModuleNotFoundError:
        return None
    return reach(bundle, read.ids)


def _text_grids(values: Mapping[str, Any]) -> list[Grid]:
    """What a text's numbers say in short: a row a layer, a row a gradient."""
    from sentiment_lstm.commands.tables import Grid

    layers = []
    for number, one in enumerate(values["layers"], start=1):
        lives = [f"{one['half_life'][name]:.3g}" for name in ("10%", "median", "90%")]
        layers.append(
            [str(number), f"{one['mean_forget_gate']:.3f}", *lives, f"{one['movement']:.3f}"]
        )
    head = ["layer", "forget gate", "10%", "median", "90%", "movement"]
    grids = [
        Grid(
            "means over the text; between them half-lives of the units in tokens: 10%, median, 90%",
            head,
            layers,
        )
    ]
    if values["reach"]:
        names = {"score": "the score", "memory": "the last state"}
        rows = [[names[name], *_at(norms)] for name, norms in values["reach"].items()]
        count = len(values["tokens"])
        head = ["gradient of", *(str(at) for at in _DISTANCES if at < count)]
        grids.append(
            Grid(
                "norm of the gradient with respect to an embedding, by tokens before the end",
                head,
                rows,
            )
        )
    return grids


def _at(norms: Sequence[float]) -> list[str]:
    return [f"{norms[at]:.2g}" for at in _DISTANCES if at < len(norms)]


def _study(out: Path | None, *, as_json: bool) -> None:
    from sentiment_lstm.training.gradient_study import study

    values = study(lambda name: say(f"trained {name}"))
    grids = _study_grids(values)
    _tell(values, grids, as_json=as_json)
    if out is not None:
        from sentiment_lstm.interpret.study_pictures import study_pictures

        page = {"title": "Vanishing and exploding gradients", "lead": values["task"]}
        _write(out, values, grids, study_pictures(values), {**page, "note": ""})


def _study_grids(values: Mapping[str, Any]) -> list[Grid]:
    """A row a network: gradients by distance, their norm, and what came of the training."""
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
    title = "norm of the gradient 100 tokens before the end over that at 1; loss of the last tenth"
    return [Grid(title, head, rows)]


def _write(
    folder: Path,
    values: Mapping[str, Any],
    grids: Sequence[Grid],
    pictures: Sequence[Picture],
    page: Mapping[str, Any],
) -> None:
    """The page last: where it stands, its pictures do."""
    from sentiment_lstm.pages import render

    files = {name: data for one in pictures for name, data in one.files().items()}
    html = render("inspect.html", values=values, grids=grids, pictures=pictures, **page)
    named = {"inspect.json": storage.as_json(values), "index.html": html.encode()}
    storage.write_together(folder, {**files, **named})
    say(f"Wrote {folder / 'index.html'}.")


def _tell(values: Mapping[str, Any], grids: Sequence[Grid], *, as_json: bool) -> None:
    from sentiment_lstm.commands import tables

    if as_json:  # indented, as a file would be: it is one object
        print_line(storage.as_json(values).decode().rstrip())
        return
    for grid in grids:
        tables.grid(grid)
