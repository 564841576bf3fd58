"""The routes of the page, and rules for its files that need no browser."""

import re
from dataclasses import replace
from types import SimpleNamespace

import pytest

pytest.importorskip("fastapi")

from fastapi import FastAPI
from starlette.testclient import TestClient

from sentiment_lstm.browser_folder import PAGE
from sentiment_lstm.serving.options import Options
from sentiment_lstm.serving.page_routes import page_files, router

NAMES = sorted(path.name for path in PAGE.iterdir())


@pytest.fixture
def client() -> TestClient:
    return client_of(Options())


def client_of(options: Options) -> TestClient:
    bundle = SimpleNamespace(card="# Karte\nfür Größe \udc80")
    models = SimpleNamespace(
        get=lambda name=None: SimpleNamespace(classifier=SimpleNamespace(bundle=bundle))
    )
    app = FastAPI()
    app.include_router(router(models, options))
    return TestClient(app)


@pytest.mark.parametrize("path", ["", *NAMES])
def test_a_file_is_sent_with_its_type_and_hash(client, path):
    answer = client.get(f"/{path}")
    assert answer.status_code == 200
    assert answer.content == (PAGE / (path or "index.html")).read_bytes()
    kinds = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
    kinds |= {"html": "text/html", "json": "application/json"}
    assert answer.headers["Content-Type"].split(";")[0] == kinds[(path or ".html").split(".")[-1]]
    assert answer.headers["Cache-Control"] == "no-cache"
    etag = answer.headers["ETag"]
    for known in (etag, f'"other", W/{etag}'):
        again = client.get(f"/{path}", headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == etag
    assert client.get(f"/{path}", headers={"If-None-Match": '"other"'}).status_code == 200


def test_only_files_of_the_page_are_sent(client):
    for path in ("/page_routes.py", "/..%2Fpage_routes.py", "/index.html/", "/page/"):
        assert client.get(path, follow_redirects=False).status_code in (307, 404)
    assert client.head("/").content == b""
    assert client.post("/").status_code == 405


def test_the_card_is_sent(client):
    answer = client.get("/card.md?model=films")
    assert answer.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert answer.content.decode() == "# Karte\nfür Größe ?"


def test_the_page_can_be_switched_off():
    client = client_of(replace(Options(), page=False))
    assert {client.get(path).status_code for path in ("/", "/main.js", "/card.md")} == {404}


def test_all_files_are_small_and_have_a_type():
    assert sorted(page_files()) == NAMES
    assert sum(path.stat().st_size for path in PAGE.iterdir()) < 150_000


def test_no_file_breaks_the_content_policy():
    for path in PAGE.iterdir():
        text = path.read_text(encoding="utf-8")
        outside = set(re.findall(r"https?://[\w.]+", text))
        assert outside <= {"http://www.w3.org"}, path.name  # the name space of SVG
        for word in ("innerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("):
            assert word not in text, path.name
    index = (PAGE / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"\s(style|on\w+)=|<style|<script(?! type=\"module\" src=)", index)


def test_modules_that_are_always_needed_are_fetched_at_once():
    index = (PAGE / "index.html").read_text(encoding="utf-8")
    fetched = set(re.findall(r'modulepreload" href="(\w+\.js)"', index))
    imported = set()
    for path in PAGE.glob("*.js"):
        if path.name != "engine_server.js":  # a page without a server does not need it
            imported |= set(re.findall(r'from "\./(\w+\.js)"', path.read_text(encoding="utf-8")))
    assert fetched == imported
