"""`export --browser` writes a folder for any web server, and a browser runs its model."""

import gzip
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from sentiment_lstm import browser_folder
from sentiment_lstm.browser_folder import PAGE, RUNTIME_VERSION, model_files, write_browser_folder
from sentiment_lstm.bundle import SHIPPED, load_bundle
from sentiment_lstm.inference.predictor import open_predictor

TEXTS = ["It was not bad at all.", "The service was terrible.", "", "\U0001f600 Sch\u00f6n!"]
INDEX = """<!doctype html>
<html lang="en"><head>
<meta charset="utf-8">
<title>A page</title><link rel="icon" href="data:,">
</head><body></body></html>
"""
MOST = 16_000_000
"""The most bytes that a visitor may download."""
ANSWERS = """async (texts) => {
  const { open } = await import("./engine_browser.js");
  const seen = [];
  const engine = await open({ onStatus: ({ state, fraction }) => seen.push([state, fraction]) });
  const stop = new AbortController();
  const stopped = engine.classify(Array(2000).fill(texts[0]), { signal: stop.signal }).catch(
    (error) => error.name,
  );
  const explained = engine.explain(texts[1], { label: "positive", against: "negative" });
  const reading = await engine.read(texts[0]);
  stop.abort();
  const answers = {
    seen,
    info: engine.info,
    reading,
    again: await engine.read(texts[0] + " Really"),
    explanation: await explained,
    predictions: await engine.classify(texts),
    stopped: await stopped,
  };
  engine.close();
  return answers;
}"""


class Quiet(SimpleHTTPRequestHandler):
    """Sends files, and logs nothing."""

    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}  # noqa: RUF012

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine; the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Any]:
    """Chromium with a profile of its own."""
    playwright = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium")
    with playwright.sync_playwright() as running:
        context = running.chromium.launch_persistent_context(
            tmp_path / "profile", executable_path=program, args=["--no-sandbox"]
        )
        yield context
        context.close()


@pytest.fixture
def plain_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page without scripts in the place of the package's own."""
    folder = tmp_path / "page"
    folder.mkdir()
    (folder / "index.html").write_text(INDEX)
    monkeypatch.setattr(browser_folder, "PAGE", folder)
    return folder


@pytest.fixture
def fake_runtime(tmp_path: Path) -> Path:
    """A folder with the files of the npm package that are copied."""
    folder = tmp_path / "onnxruntime-web"
    (folder / "dist").mkdir(parents=True)
    for name in ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"):
        (folder / "dist" / name).write_bytes(name.encode())
    return folder


def watched(page: Any) -> tuple[list[str], list[str]]:
    """Return the addresses that a page asks for, and its complaints."""
    addresses: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return addresses, complaints


def test_a_browser_gives_the_answers_of_python(browser, runtime, plain_page, tmp_path):
    bundle = load_bundle(SHIPPED / "default")
    size = write_browser_folder(tmp_path / "site", bundle, "default", runtime)
    assert size < MOST
    expected = open_predictor(bundle, 1).predict(TEXTS)
    with served(tmp_path / "site") as address:
        for visit in range(2):
            page = browser.new_page()
            addresses, complaints = watched(page)
            page.goto(address)
            answers = page.evaluate(ANSWERS, TEXTS)
            page.close()
            assert complaints == []
            assert all(each.startswith(address) for each in addresses)
            # At the second visit, the browser's cache has the large files.
            assert any(each.endswith(".gz") for each in addresses) == (visit == 0)
            check_answers(answers, expected)


def check_answers(answers: dict[str, Any], expected: list[Any]) -> None:
    assert answers["info"] == {
        "name": "default",
        "classes": ["negative", "neutral", "positive"],
        "languages": ["en"],
    }
    assert answers["seen"][-1] == ["loading", 1]
    for prediction, row in zip(expected, answers["predictions"], strict=True):
        assert row["label"] == prediction.label
        assert row["probabilities"] == pytest.approx(prediction.probabilities, abs=1e-3)
    assert answers["reading"]["label"] == "positive"
    assert answers["reading"]["from"] == 0
    assert len(answers["reading"]["steps"]) == 7
    assert [step["text"] for step in answers["again"]["steps"]] == ["Really"]
    strongest = min(answers["explanation"]["words"], key=lambda word: word["attribution"])
    assert strongest["text"] == "terrible"
    assert answers["stopped"] == "AbortError"


@pytest.mark.skipif(not PAGE.is_dir(), reason="the page is not installed")
def test_the_page_runs_without_a_server(browser, runtime, tmp_path):
    write_browser_folder(tmp_path / "site", load_bundle(SHIPPED / "tiny"), "tiny", runtime)
    with served(tmp_path / "site") as address:
        page = browser.new_page()
        addresses, complaints = watched(page)
        page.goto(address)
        for text, label in (
            ("It was a wonderful film.", "Positive"),
            ("An awful bore.", "Negative"),
        ):
            page.fill("#text", text)
            page.wait_for_selector(f"#label:text-is('{label}')")
        page.wait_for_selector("#phrases li")
        page.close()
    assert complaints == []
    assert all(each.startswith(address) for each in addresses)


@pytest.mark.skipif(not PAGE.is_dir(), reason="the page is not installed")
def test_a_model_of_two_directions_gives_its_verdict_alone(browser, runtime, make_bundle, tmp_path):
    bundle = make_bundle(bidirectional=True)
    write_browser_folder(tmp_path / "site", bundle, "both", runtime)
    (expected,) = open_predictor(bundle, 1).probabilities(["a good film"])
    with served(tmp_path / "site") as address:
        page = browser.new_page()
        _, complaints = watched(page)
        page.goto(address)
        page.fill("#text", "a good film")
        page.wait_for_selector("#notice:has-text('found one of two')")
        page.wait_for_selector("#classes .value")
        shown = [f"{probability:.0%}" for probability in expected]
        assert page.locator("#classes .value").all_text_contents() == shown
        page.close()
    assert complaints == []


def test_the_command_writes_the_folder(run, plain_page, fake_runtime, tmp_path):
    out = tmp_path / "site"
    command = ["export", "--model", "tiny", "--browser", str(out)]
    code, printed, _ = run(*command, "--onnxruntime-web", str(fake_runtime), "--json")
    assert code == 0
    (engine,), (model,) = list(out.glob("engine-*")), list(out.glob("model-*"))
    packed = [*engine.iterdir(), *model.iterdir()]
    assert json.loads(printed) == {
        "folder": str(out),
        "bytes": sum(path.stat().st_size for path in packed),
    }
    assert json.loads((out / "engine.json").read_text()) == {
        "engine": "browser",
        "module": "./engine_browser.js",
    }
    assert '"name": "tiny"' in (out / "engine_browser.js").read_text()
    assert "Content-Security-Policy" in (out / "index.html").read_text()
    assert (out / "card.md").read_bytes() == (SHIPPED / "tiny" / "README.md").read_bytes()
    assert (engine / "worker.js").is_file()
    config = json.loads(gzip.decompress((model / "config.json.gz").read_bytes()))
    assert config["id2label"] == {"0": "negative", "1": "positive"}
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert run(*command, "--onnxruntime-web", str(fake_runtime))[0] == 0
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_without_the_npm_package_an_error_says_what_to_install(run, plain_page, tmp_path):
    code, _, err = run("export", "--model", "tiny", "--browser", str(tmp_path / "site"))
    assert code == 1
    assert f"npm install onnxruntime-web@{RUNTIME_VERSION}" in err
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("option", [["--out", "x"], ["--standalone", "x.onnx"]])
def test_one_command_writes_one_thing(run, option):
    code, _, err = run("export", "--model", "tiny", "--browser", "site", *option)
    assert code == 2
    assert "found both: leave one out" in err


def test_a_model_is_not_replaced_by_a_page(run, model, plain_page, fake_runtime):
    command = ["export", "--model", "tiny", "--browser", str(model)]
    code, _, err = run(*command, "--onnxruntime-web", str(fake_runtime))
    assert code == 2
    assert "Expected a folder without a model" in err


def test_a_browser_gets_only_what_it_needs(make_bundle):
    bundle = make_bundle(wide=True, classes=("a", "b", "c"))
    files = model_files(bundle)
    assert set(files) == {"config.json", "tokenizer.json", "model.int8.onnx", "model.safetensors"}
    assert json.loads(files["config.json"])["training"] == {}
    assert "model.safetensors" not in model_files(make_bundle())


def test_the_version_of_the_runtime_is_that_of_the_npm_package():
    package = json.loads((Path(__file__).parents[2] / "js" / "package.json").read_text())
    assert package["dependencies"] == {"onnxruntime-web": RUNTIME_VERSION}
