"""Makes a folder with a page and a model that run in a browser, without a server.

The page's files come from `serving/page`, the scripts from `js/src`, and ONNX Runtime from an
installed npm package. Files that never change lie in folders named by a hash of their content, so
browsers may keep them for ever. Large files are packed with gzip, because not every host packs
them. Knows a bundle's parts, and no text.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from sentiment_lstm.bundle import INT8_GRAPH, Bundle
from sentiment_lstm.bundle_config import config_as_json
from sentiment_lstm.errors import BundleError, SentimentError
from sentiment_lstm.inference.arrays import shared_arrays
from sentiment_lstm.inference.graph_check import checked_graph
from sentiment_lstm.inference.graph_file import GraphFile
from sentiment_lstm.inference.graphs import build
from sentiment_lstm.storage import as_json, write_together
from sentiment_lstm.weights_file import WIDE, weights_as_bytes

Files = Mapping[str, bytes]

PAGE = Path(__file__).parent / "serving" / "page"
"""The folder of the page's own files."""
INDEX = "index.html"
CARD = "card.md"
"""The page's address of the model card."""
_INSTALLED = Path(__file__).parent / "javascript"
_SOURCES = Path(__file__).parents[2] / "js" / "src"
RUNTIME_VERSION = "1.30.0"
"""The version of `onnxruntime-web` that the tests use."""
_LICENSES = "licenses.txt"
_LIBRARY, _BINARY = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
"""Files in the folder `dist` of `onnxruntime-web`: its plain WebAssembly build."""
_SENT = ("language", "license", "familiarity")
"""The keys of a model's provenance that a browser needs."""
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; "
    "connect-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'"
)
"""The page's Content-Security-Policy. WebAssembly needs 'wasm-unsafe-eval'."""
_HEAD = '<meta charset="utf-8">'


def write_browser_folder(out: Path, bundle: Bundle, name: str, runtime: Path) -> int:
    """Write the folder. If it holds an older version of the model, that stays, but is not used.

    Args:
        out: the folder; a new one is made.
        bundle: the model.
        name: the model's name on the page.
        runtime: the folder of the npm package `onnxruntime-web`.

    Returns:
        The bytes that a visitor downloads, without the page's own files.

    Raises:
        BundleError: the graph of the bundle cannot be used.
        SentimentError: `runtime` does not hold the package, or the folder cannot be written to.
    """
    engine, model = _engine_files(runtime), _packed(model_files(bundle))
    engine_folder, model_folder = _folder_name("engine", engine), _folder_name("model", model)
    sizes = {name: len(data) for name, data in {**engine, **model}.items()}
    write_together(out / engine_folder, engine)
    write_together(out / model_folder, model)
    pages = _page_files()
    pages[CARD] = bundle.card.encode("utf-8", errors="replace")
    pages["engine.json"] = as_json({"engine": "browser", "module": "./engine_browser.js"})
    pages["engine_browser.js"] = _engine_script(
        name, engine_folder, model_folder, _packed_size(sizes)
    )
    index = pages.pop(INDEX)
    write_together(out, {**pages, INDEX: _with_policy(index)})
    return sum(sizes.values())


def model_files(bundle: Bundle) -> dict[str, bytes]:
    """Return the files of a bundle in the form for browsers.

    The int8 graph holds the embedding, so no other weights are needed but those of a wide path.
    """
    config = config_as_json(bundle.config, has_wide_path=WIDE in bundle.weights)
    provenance = {k: v for k, v in bundle.config.provenance.items() if k in _SENT}
    files = {
        "config.json": as_json({**config, "training": provenance}),
        "tokenizer.json": bundle.tokenizer.to_json().encode(),
        INT8_GRAPH: _graph(bundle).to_bytes(),
    }
    if WIDE in bundle.weights:
        wide = {WIDE: bundle.weights[WIDE]}
        files["model.safetensors"] = weights_as_bytes(wide, bundle.tokenizer.hashes, half=True)
    return files


def _graph(bundle: Bundle) -> GraphFile:
    """Return the int8 graph with the embedding inside."""
    arrays = shared_arrays(bundle, quantised=True)
    graph = build(bundle, quantised=True, shared=arrays)
    if INT8_GRAPH in bundle.graphs:  # it was made from weights in full precision
        try:
            graph = checked_graph(bundle.graphs[INT8_GRAPH], graph)
        except ValueError as error:
            raise BundleError(
                f"Expected a graph of this model, found: {error}; create it again with "
                "`sentiment-lstm export`."
            ) from error
    return replace(graph, constants={**graph.constants, **arrays})


def _engine_files(runtime: Path) -> dict[str, bytes]:
    """Return the scripts of the package and ONNX Runtime."""
    scripts = _INSTALLED if _INSTALLED.is_dir() else _SOURCES
    paths = (*sorted(scripts.glob("*.js")), scripts / _LICENSES)
    files = {path.name: path.read_bytes() for path in paths}
    try:
        files[_LIBRARY] = (runtime / "dist" / _LIBRARY).read_bytes()
        files |= _packed({_BINARY: (runtime / "dist" / _BINARY).read_bytes()})
    except OSError as error:
        raise SentimentError(
            f"Expected the npm package onnxruntime-web in {runtime}, found no {error.filename}: "
            f"run `npm install onnxruntime-web@{RUNTIME_VERSION}`, or name its folder with "
            "--onnxruntime-web."
        ) from error
    return files


def _page_files() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(PAGE.iterdir()) if path.is_file()}


def _packed_size(sizes: Mapping[str, int]) -> int:
    """Return the size of the packed files. The page shows the progress of their download."""
    return sum(size for name, size in sizes.items() if name.endswith(".gz"))


def _engine_script(name: str, engine: str, model: str, size: int) -> bytes:
    """Return the module that the page imports. It holds the addresses of all parts."""
    settings = {"name": name, "packed": True, "bytes": size}
    return (
        f'import {{ openEngine }} from "./{engine}/engine_browser.js";\n\n'
        f"const settings = {json.dumps(settings)};\n"
        "const address = (path) => new URL(path, import.meta.url).href;\n\n"
        "export function open(options) {\n"
        f'  const model = address("./{model}/");\n'
        f'  const folder = address("./{engine}/");\n'
        f'  const runtime = {{ folder, library: "{_LIBRARY}", binary: "{_BINARY}" }};\n'
        "  return openEngine({ ...options, ...settings, model, runtime });\n"
        "}\n"
    ).encode()


def _with_policy(page: bytes) -> bytes:
    policy = f'{_HEAD}\n<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    return page.replace(_HEAD.encode(), policy.encode(), 1)


def _packed(files: Files) -> dict[str, bytes]:
    return {f"{name}.gz": gzip.compress(data, 9, mtime=0) for name, data in files.items()}


def _folder_name(kind: str, files: Files) -> str:
    digest = hashlib.sha256()
    for name, data in sorted(files.items()):
        digest.update(name.encode() + b"\0" + hashlib.sha256(data).digest())
    return f"{kind}-{digest.hexdigest()[:12]}"
