"""The command `export`: ONNX graphs of a model, and a page that runs it in a browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sentiment_lstm.commands.options import Json
from sentiment_lstm.commands.output import print_line
from sentiment_lstm.wording import printable

if TYPE_CHECKING:
    from sentiment_lstm.bundle import Bundle

Kind = Literal["float32", "int8"]


def export(
    model: Annotated[
        Path,
        typer.Option(
            help="A run or bundle folder; with --standalone or --browser also a shipped model."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="The folder of the new bundle [default: the model's own].")
    ] = None,
    only: Annotated[Kind | None, typer.Option(help="Build one graph [default: both].")] = None,
    standalone: Annotated[
        Path | None,
        typer.Option(help="Write one ONNX file for other programs, and leave the model unchanged."),
    ] = None,
    browser: Annotated[
        Path | None,
        typer.Option(help="Write a folder with a page that runs the model in a browser."),
    ] = None,
    onnxruntime_web: Annotated[
        Path, typer.Option(help="With --browser: the folder of the npm package onnxruntime-web.")
    ] = Path("node_modules/onnxruntime-web"),
    as_json: Json = False,
) -> None:
    """Add ONNX graphs, so that a model runs without PyTorch.

    The int8 graph is almost twice as fast as the float32 graph. With --standalone FILE, write one
    file with everything inside, which any ONNX runtime can run. By default it is int8 if the model
    has an int8 graph. With --browser FOLDER, write a page that any web server can send. It needs
    the npm package onnxruntime-web.
    """
    from sentiment_lstm.errors import MissingExtraError

    _check_one_output(out, standalone, browser)
    if standalone:
        _check_name(standalone)
    try:
        if browser:
            _write_browser_folder(model, browser, onnxruntime_web, as_json=as_json)
        elif standalone:
            _write_standalone(model, standalone, only, as_json=as_json)
        else:
            _add_graphs(model, out or model, only, as_json=as_json)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"Expected {error.name} to build graphs, found it is not installed: "
            "pip install 'sentiment-lstm[train]'."
        ) from error


def _check_one_output(out: Path | None, standalone: Path | None, browser: Path | None) -> None:
    from sentiment_lstm.errors import UsageError

    if standalone and out:
        raise UsageError("Expected --out or --standalone, found both: leave one out.")
    if browser and (out or standalone):
        other = "--out" if out else "--standalone"
        raise UsageError(f"Expected {other} or --browser, found both: leave one out.")


def _check_name(file: Path) -> None:
    """Refuse a standalone file that is not .onnx, or that would replace a graph of a model."""
    from sentiment_lstm.bundle import GRAPHS, is_bundle
    from sentiment_lstm.errors import UsageError

    if file.suffix.lower() != ".onnx" or file.is_dir():
        raise UsageError(f"Expected a file .onnx for --standalone, found {str(file)!r}: name one.")
    if file.name in GRAPHS and is_bundle(file.parent):
        raise UsageError(
            f"Expected a new file for --standalone, found {file.name}, a graph of the model in "
            f"{file.parent}: name another."
        )


def _add_graphs(model: Path, out: Path, only: Kind | None, *, as_json: bool) -> None:
    from sentiment_lstm.bundle import FLOAT_GRAPH, INT8_GRAPH, load_bundle, save_bundle
    from sentiment_lstm.commands import tables
    from sentiment_lstm.export import export as add_graphs

    names = {"float32": [FLOAT_GRAPH], "int8": [INT8_GRAPH], None: [FLOAT_GRAPH, INT8_GRAPH]}
    bundle = add_graphs(load_bundle(model), names[only])
    save_bundle(out, bundle)
    graphs = {
        name: {"bytes": len(bundle.graphs[name]), **parity}
        for name, parity in bundle.metrics["parity"].items()  # type: ignore[attr-defined]
    }
    if as_json:
        print_line(json.dumps(graphs))
    else:
        tables.graphs(graphs)


def _write_standalone(model: Path, file: Path, only: Kind | None, *, as_json: bool) -> None:
    from sentiment_lstm.bundle import INT8_GRAPH, load_bundle
    from sentiment_lstm.export import standalone
    from sentiment_lstm.finding import find_model
    from sentiment_lstm.storage import write_atomically

    bundle = load_bundle(find_model(model))
    quantised = INT8_GRAPH in bundle.graphs if only is None else only == "int8"
    graph, difference = standalone(bundle, quantised=quantised)
    write_atomically(file, graph)
    kind: Kind = "int8" if quantised else "float32"
    if as_json:
        print_line(json.dumps(_described(bundle, file, graph, kind, difference)))
    else:
        line = (
            f"{file}: {len(graph):,} bytes, {kind}, probabilities of "
            f"{', '.join(bundle.config.classes)}; they differ by at most {difference:.1e} "
            "from the package's."
        )
        print_line(printable(line))


def _write_browser_folder(model: Path, out: Path, runtime: Path, *, as_json: bool) -> None:
    from sentiment_lstm.browser_folder import write_browser_folder
    from sentiment_lstm.bundle import is_bundle, load_bundle
    from sentiment_lstm.errors import UsageError
    from sentiment_lstm.finding import find_model

    folder = find_model(model)
    if is_bundle(out):
        raise UsageError(
            f"Expected a folder without a model for --browser, found a model in {out}: name "
            "another."
        )
    name = model.resolve().name if model.exists() else str(model)
    size = write_browser_folder(out, load_bundle(folder), name, runtime)
    if as_json:
        print_line(json.dumps({"folder": str(out), "bytes": size}))
    else:
        line = f"{out}: a page for any web server; visitors download {size / 1e6:.1f} MB once."
        print_line(printable(line))


def _described(
    bundle: Bundle, file: Path, graph: bytes, kind: Kind, difference: float
) -> dict[str, object]:
    return {
        "file": str(file),
        "bytes": len(graph),
        "kind": kind,
        "classes": list(bundle.config.classes),
        "difference": difference,
    }
