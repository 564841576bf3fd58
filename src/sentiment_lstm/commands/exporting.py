"""The command `export`: ONNX graphs of a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from sentiment_lstm.commands.options import Json
from sentiment_lstm.commands.output import print_line


def export(
    model: Annotated[Path, typer.Option(help="A run or bundle folder.")],
    out: Annotated[
        Path | None, typer.Option(help="The folder of the new bundle [default: the model's own].")
    ] = None,
    only: Annotated[
        Literal["float32", "int8"] | None, typer.Option(help="Build one graph [default: both].")
    ] = None,
    as_json: Json = False,
) -> None:
    """Add ONNX graphs, so that a model runs without PyTorch.

    The int8 graph is almost twice as fast as the float32 graph.
    """
    from sentiment_lstm.bundle import FLOAT_GRAPH, INT8_GRAPH, load_bundle, save_bundle
    from sentiment_lstm.commands import tables
    from sentiment_lstm.errors import MissingExtraError

    try:
        from sentiment_lstm.export import export as add_graphs
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"Expected {error.name} to build graphs, found it is not installed: "
            "pip install 'sentiment-lstm[train]'."
        ) from error
    names = {"float32": [FLOAT_GRAPH], "int8": [INT8_GRAPH], None: [FLOAT_GRAPH, INT8_GRAPH]}
    bundle = add_graphs(load_bundle(model), names[only])
    save_bundle(out or model, bundle)
    graphs = {
        name: {"bytes": len(bundle.graphs[name]), **parity}
        for name, parity in bundle.metrics["parity"].items()  # type: ignore[attr-defined]
    }
    if as_json:
        print_line(json.dumps(graphs))
    else:
        tables.graphs(graphs)
