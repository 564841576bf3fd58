"""The page in a real browser: Debian's Chromium, driven by Playwright. It needs no network."""

import csv
import functools
import http.server
import io
import json
import math
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from sentiment_lstm import SentimentClassifier

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("no Chromium", allow_module_level=True)
playwright_api = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
pytest.importorskip("uvicorn")
pytest.importorskip("fastapi")

from playwright.sync_api import Browser, Page, expect  # noqa: E402

from sentiment_lstm.browser_folder import PAGE  # noqa: E402
from tests.serving.page_server import PageServer  # noqa: E402
from tests.serving.running import save  # noqa: E402

expect.set_options(timeout=15_000)

TURN = "The first hour was great, but the rest was terrible and boring."
MIRRORED = "document.getElementById('mirror').textContent.replace('\\u200b', '')"


@pytest.fixture(scope="module")
def classifier() -> SentimentClassifier:
    return SentimentClassifier.from_pretrained("tiny", threads=1)


@pytest.fixture(scope="module")
def server() -> Iterator[PageServer]:
    server = PageServer("tiny")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Watch:
    """What a page must not do: messages on the console, and requests to other origins."""

    def __init__(self, page: Page, origin: str) -> None:
        self.messages: list[str] = []
        self.elsewhere: list[str] = []
        self.allowed = re.compile("(?!)")
        self.paths: set[str] = set()
        page.on("console", lambda message: self.messages.append(message.text))
        page.on("pageerror", lambda error: self.messages.append(str(error)))
        page.on("request", lambda request: self._see(request.url, origin))
        page.on("websocket", lambda socket: self._see(socket.url.replace("ws:", "http:"), origin))

    def _see(self, url: str, origin: str) -> None:
        if url.startswith(origin):
            self.paths.add(url.removeprefix(origin).partition("?")[0])
        elif not url.startswith(("data:", "blob:")):
            self.elsewhere.append(url)

    def check(self) -> None:
        assert [text for text in self.messages if not self.allowed.search(text)] == []
        assert self.elsewhere == []


WIDE = {"width": 1200, "height": 900}
QUIET = {"reduced_motion": "reduce", "color_scheme": "light"}


def opened(browser: Browser, url: str) -> Page:
    context = browser.new_context(viewport=WIDE, **QUIET)
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.watch = Watch(page, url)
    page.goto(url)
    expect(page.locator("#score")).to_contain_text("%")
    return page


@pytest.fixture
def open_page(browser):
    """Opens a page of another server; afterwards checks what it did."""
    pages: list[Page] = []

    def open_it(url: str) -> Page:
        pages.append(opened(browser, url))
        return pages[-1]

    yield open_it
    for page in pages:
        page.context.close()
        page.watch.check()


@pytest.fixture(scope="module")
def shared_page(browser, server) -> Page:
    return opened(browser, server.url)


@pytest.fixture
def page(shared_page) -> Iterator[Page]:
    """A page that several tests use, one after the other."""
    shared_page.set_viewport_size(WIDE)
    shared_page.emulate_media(**QUIET)
    shared_page.locator("#threshold").fill("0.6")
    yield shared_page
    shared_page.watch.check()


def write(page: Page, text: str) -> None:
    page.fill("#text", text)


def tokens(page: Page) -> list[tuple[str, str]]:
    """The words in the field and the pole of their colour."""
    spans = "spans => spans.map(span => [span.textContent.trim(), span.classList[1]])"
    return [tuple(pair) for pair in page.eval_on_selector_all("#mirror .token", spans)]


def shown_percent(score: float) -> str:
    return f"{score:.1%}" if score > 0.99 else f"{score:.0%}"


def settle(page: Page, classifier: SentimentClassifier, text: str) -> None:
    """Wait until the page shows the verdict on a text, and compare it with Python's."""
    (prediction,) = classifier.predictor.predict([text])
    unsure = prediction.score < 0.6
    expect(page.locator("#label")).to_have_text(
        "Not sure" if unsure else prediction.label.capitalize()
    )
    expect(page.locator("#score")).to_have_text(shown_percent(prediction.score))


def test_typing_colours_words_and_updates_the_verdict(page, classifier):
    page.fill("#text", "")
    expect(page.locator("#label")).to_have_text("No text")
    page.locator("#text").press_sequentially("A great film.")
    settle(page, classifier, "A great film.")
    assert ("great", "last") in tokens(page)
    page.locator("#text").press_sequentially(" But it ended so boring and terrible.")
    settle(page, classifier, "A great film. But it ended so boring and terrible.")
    assert ("great", "last") in tokens(page)
    assert ("terrible", "first") in tokens(page)
    expect(page.locator("#live")).to_contain_text("Negative, ")
    assert page.evaluate(MIRRORED) == page.input_value("#text")


def test_an_edit_in_the_middle_reads_on_from_there(page, classifier):
    write(page, TURN)
    settle(page, classifier, TURN)
    page.evaluate("document.getElementById('text').setSelectionRange(19, 24)")  # "great"
    page.keyboard.type("awful")
    edited = TURN.replace("great", "awful")
    assert page.input_value("#text") == edited
    settle(page, classifier, edited)
    assert ("awful", "first") in tokens(page)
    assert page.evaluate(MIRRORED) == edited


def test_positions_are_right_after_characters_of_two_units(page, classifier):
    text = "😀😀 a great film 🎬, great!"
    write(page, text)
    settle(page, classifier, text)
    assert [word for word, _ in tokens(page) if word == "great"] == ["great", "great"]
    assert page.evaluate(MIRRORED) == text


def test_two_tokens_of_one_character_show_it_once(page, classifier):
    write(page, "I \N{MELTING FACE} go")
    settle(page, classifier, "I \N{MELTING FACE} go")
    last = int(page.locator("#position").get_attribute("max"))
    for position in range(1, last + 1):
        page.locator("#position").fill(str(position))
        assert page.evaluate(MIRRORED) == "I \N{MELTING FACE} go", position


def test_the_curve_has_turning_points_words_and_the_forget_gate(page, classifier):
    write(page, TURN)
    settle(page, classifier, TURN)
    labels = [step.label for step in classifier.stream(TURN)]
    assert labels[0] != labels[-1]
    words = re.findall(r"\w+", TURN)
    expect(page.locator("#curve text.word")).to_have_text(words)
    assert page.locator("#curve circle.turn").count() >= 1
    bars = page.locator("#curve path.gate").first.get_attribute("d")
    assert bars.count("M") == len(labels)
    description = page.locator("#curve-description").text_content()
    assert "turns negative at “" in description
    assert description.endswith("%.")
    page.click("summary")
    expect(page.locator("#steps tr")).to_have_count(len(labels))


def test_a_long_text_names_only_some_words(page, classifier):
    text = "The plot was slow. " * 60 + "But I loved it."
    write(page, text)
    settle(page, classifier, text)
    expect(page.locator("#position")).to_have_attribute("max", str(60 * 5 + 5))
    assert 10 < page.locator("#curve text.word").count() < 100
    # The field is as high as its text, like the mirror; the paper around both scrolls to the caret.
    assert page.locator("#paper").evaluate("e => e.scrollHeight > e.clientHeight + 100")
    assert page.locator("#text").evaluate("e => e.scrollHeight === e.clientHeight")
    assert page.locator("#mirror").evaluate("e => e.clientHeight") == page.locator(
        "#text"
    ).evaluate("e => e.clientHeight")
    page.locator("#text").press("Control+End")
    page.keyboard.type(" Really")
    bottom = "e => e.scrollHeight - e.clientHeight - e.scrollTop"
    assert page.locator("#paper").evaluate(bottom) < 40


def test_the_slider_shows_the_verdict_so_far(page, classifier):
    write(page, TURN)
    settle(page, classifier, TURN)
    slider = page.locator("#position")
    slider.focus()
    slider.press("Home")
    expect(page.locator("#readout")).to_contain_text("After “The”")
    expect(page.locator("#so-far")).to_be_visible()
    assert len(tokens(page)) == 1
    for _ in range(4):
        slider.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("After “great”: Positive"))
    expect(page.locator("#label")).to_have_text("Positive")
    slider.press("End")
    settle(page, classifier, TURN)
    expect(page.locator("#so-far")).to_be_hidden()


def test_phrases_that_mattered_select_their_place(page, classifier):
    write(page, TURN)
    explanation = classifier.explain(TURN, "negative", label="positive")
    strongest = max(explanation.phrases, key=lambda phrase: abs(phrase.attribution))
    first = page.locator("#phrases button").first
    expect(first.locator(".phrase")).to_have_text(strongest.text)
    expect(first.locator(".side")).to_have_text("▼ negative")
    first.click()
    selected = page.evaluate("[text.selectionStart, text.selectionEnd]")
    assert selected == [strongest.start, strongest.end]


def test_examples_are_replayed_from_the_first_word(page):
    page.emulate_media(reduced_motion="no-preference")
    page.click("text=Not bad")
    expect(page.locator("#so-far")).to_be_visible()
    expect(page.locator("#replay-text")).to_have_text("Stop")
    expect(page.locator("#replay-text")).to_have_text("Replay")
    assert page.input_value("#text") == "It was not bad at all."
    assert len(tokens(page)) == 7
    assert page.locator("#examples button").count() == 7


def test_not_sure_below_the_users_threshold(page, classifier):
    write(page, TURN)
    settle(page, classifier, TURN)
    page.locator("#threshold").focus()
    page.keyboard.press("End")
    expect(page.locator("#label")).to_have_text("Not sure")
    expect(page.locator("#threshold-value")).to_have_text("99%")
    page.reload()
    expect(page.locator("#threshold-value")).to_have_text("99%")
    expect(page.locator("#label")).to_have_text("Not sure")


def table_of(number: int) -> str:
    texts = ["A great film.", "Awful and boring.", "=1+1", "", '"Quoted", and\nbroken']
    rows = [["id", "body", "note"]]
    rows += [[n, texts[n % len(texts)], "-5"] for n in range(number)]
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


def choose(page: Page, name: str, content: str | bytes) -> None:
    buffer = content if isinstance(content, bytes) else content.encode()
    page.set_input_files("#file", {"name": name, "mimeType": "text/csv", "buffer": buffer})


def finished(page: Page, rows: int) -> None:
    expect(page.locator("#progress-text")).to_contain_text(f"{rows:,} row")
    expect(page.locator("#job")).to_have_attribute("data-state", "done")


def test_a_file_is_scored_with_progress_and_downloaded(page, server, classifier):
    server.batches_left, server.refusals = 2, 1
    server_paths = page.watch.paths
    page.watch.allowed = re.compile("429")  # the browser logs each answer with an error
    try:
        choose(page, "mails.csv", table_of(700))
        expect(page.locator("#progress-text")).to_contain_text(" of 700 rows, about ")
        expect(page.locator("#stop")).to_be_visible()
    finally:
        server.batches_left = math.inf
    finished(page, 700)
    assert "batch" in server_paths
    assert page.locator("#column").evaluate("e => e.selectedOptions[0].textContent") == "body"
    assert page.locator("#rows tr").count() == 50
    with page.expect_download() as download:
        page.click("#download")
    assert download.value.suggested_filename == "mails.scores.csv"
    content = download.value.path().read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert len(rows) == 700
    texts = ["A great film.", "Awful and boring.", "=1+1", "", '"Quoted", and\nbroken']
    predictions = classifier.predictor.predict(texts)
    for row, text, prediction in zip(rows[:5], texts, predictions, strict=True):
        assert row["body"] == ("'=1+1" if text.startswith("=") else text)
        assert row["note"] == "'-5"
        sure = prediction.score is not None and prediction.score >= 0.6
        assert row["predicted_label"] == (prediction.label if sure else "")
        if prediction.score is None:
            assert row["predicted_score"] == row["probability_positive"] == ""
        else:
            assert float(row["predicted_score"]) == pytest.approx(prediction.score, abs=1e-4)
            positive = prediction.probabilities[1]
            assert float(row["probability_positive"]) == pytest.approx(positive, abs=1e-4)


def test_the_distribution_counts_and_filters_rows(page, classifier):
    write(page, "A great film.")
    choose(page, "mails.csv", table_of(100))
    finished(page, 100)
    values = page.locator("#distribution .value").all_text_contents()
    assert sum(int(value.split()[0]) for value in values) == 100
    assert page.locator("#distribution .name").last.text_content() == "– no label"
    page.locator("#distribution button", has_text="negative").click()
    expect(page.locator("#rows-caption")).to_contain_text("rows with “negative”")
    assert set(page.locator("#rows .label").all_text_contents()) == {"▼ Negative"}
    page.locator("#rows button").first.click()
    settle(page, classifier, page.input_value("#text"))
    page.locator("#threshold").fill("0.99")
    assert "? not sure" in page.locator("#distribution .name").all_text_contents()


def test_scoring_can_be_stopped(page, server):
    server.batches_left = 1
    try:
        choose(page, "mails.csv", table_of(2000))
        expect(page.locator("#progress-text")).to_contain_text(" left")
        page.click("#stop")
        expect(page.locator("#progress-text")).to_contain_text("Stopped after 32 of 2,000 rows")
    finally:
        server.batches_left = math.inf
    expect(page.locator("#download")).to_be_enabled()


def test_files_can_be_dropped_on_the_page(page):
    page.evaluate("""() => {
        const data = new DataTransfer();
        data.items.add(new File(["So good!\\n\\nSo bad.\\n"], "lines.txt"));
        const send = (name) => document.body.dispatchEvent(
            new DragEvent(name, {dataTransfer: data, bubbles: true, cancelable: true}));
        send("dragenter");
        window.sawHint = document.body.classList.contains("dragging");
        send("drop");
    }""")
    finished(page, 2)
    assert page.evaluate("window.sawHint")
    assert not page.evaluate("document.body.classList.contains('dragging')")
    expect(page.locator("#column-field")).to_be_hidden()


@pytest.mark.parametrize(
    ("name", "content", "columns", "first"),
    [
        ("a.csv", "id;review\r\n1;Gut; wirklich\r\n", ["id", "review", "column 3"], "Gut"),
        ("a.csv", "1,This has no names\n2,It has texts\n", ["column 1", "column 2"],
         "This has no names"),
        ("a.csv", ",opinion,note,\n0,I like it a lot,7,\n1,Fine,8,\n",
         ["column 1", "opinion", "note", "column 4"], "I like it a lot"),
        ("a.csv", ",Fine\n,Very bad\nAnna,I like it\n", ["column 1", "column 2"], "Fine"),
        ("a.csv", "name,opinion\nAnna,I like it a lot\n".encode("utf-16"), ["name", "opinion"],
         "I like it a lot"),
        ("a.tsv", b"text\tn\nCaf\xe9 \"Noir\"\t1\n", ["text", "n"], 'Café "Noir"'),
        ("a.csv", 'text,n\n"He said ""no"", twice",1\n', ["text", "n"], 'He said "no", twice'),
        ("a.jsonl", '{"n": 1, "message": "Fine"}\n{"message": "Bad"}\n', ["n", "message"], "Fine"),
        ("a.txt", "﻿First line\r\nSecond line", ["text"], "First line"),
    ],
)  # fmt: skip
def test_tables_are_understood(page, name, content, columns, first):
    choose(page, name, content)
    expect(page.locator("#job")).to_have_attribute("data-state", "done")
    assert page.locator("#column option").all_text_contents() == columns
    assert page.locator("#rows button").first.text_content() == first


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.xlsx", b"PK\x03\x04....", "found a workbook or archive"),
        ("a.csv", b"", "Expected rows in a.csv, found none."),
        ("a.jsonl", b'{"text": "a"}\n\n\nnot json\n', "on line 4"),
    ],
)
def test_unreadable_files_get_one_sentence(page, name, content, message):
    choose(page, name, content)
    expect(page.locator("#file-error")).to_contain_text(message)


def test_another_column_or_no_names_score_again(page):
    choose(page, "mails.csv", table_of(20))
    finished(page, 20)
    page.select_option("#column", label="note")
    finished(page, 20)
    assert page.locator("#rows button").first.text_content() == "-5"
    page.uncheck("#named")
    finished(page, 21)
    choose(page, "a.csv", ",text \n1,I like it a lot\n")
    finished(page, 1)
    page.uncheck("#named")
    finished(page, 2)
    assert page.locator("#rows button").first.text_content() == "text"
    assert page.locator("#column option").count() == 2
    page.select_option("#column", "0")
    finished(page, 2)
    assert page.locator("#rows button").first.text_content() == "(empty)"


@pytest.mark.parametrize("width", [320, 390])
def test_a_narrow_screen_never_scrolls_sideways(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    write(page, "A great film" + "!" * 300 + " " + "really" * 60)
    choose(page, f"{'long' * 30}.csv", table_of(20))
    finished(page, 20)
    page.click("#show-card")
    expect(page.locator("#card-text table").first).to_be_visible()
    page.click("#close-card")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_violation(page, scheme):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 390, "height": 800})
    write(page, TURN)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(245, 244, 240)", "dark": "rgb(16, 18, 21)"}[scheme]
    expect(page.locator("#phrases button").first).to_be_visible()
    choose(page, "mails.csv", table_of(20))
    finished(page, 20)
    page.evaluate("document.getElementById('steps-details').open = true")
    assert violations(page) == []
    page.click("#show-card")
    expect(page.locator("#card-text table").first).to_be_visible()
    assert violations(page) == []
    page.click("#close-card")


def violations(page: Page) -> list[tuple[str, str]]:
    results = axe.Axe().run(page).response["violations"]
    return [
        (result["id"], node["html"][:100])
        for result in results
        if result["impact"] in ("serious", "critical", "moderate")
        for node in result["nodes"]
    ]


def test_everything_works_with_the_keyboard_alone(page, classifier):
    page.reload()
    expect(page.locator("#score")).to_contain_text("%")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the text"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "text"
    page.keyboard.press("Control+A")
    page.keyboard.type("A great film.")
    settle(page, classifier, "A great film.")
    expect(page.locator("#phrases button").first).to_be_visible()
    seen = []
    for _ in range(12):
        page.keyboard.press("Tab")
        active = "document.activeElement.id || document.activeElement.closest('[id]')?.id"
        seen.append(page.evaluate(active))
        if seen[-1] is None:  # the end of the page
            break
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", seen[-1]
    expected = ["threshold", "replay", "position", "steps-details", "phrases", "file"]
    assert [name for name in dict.fromkeys(seen) if name in expected] == expected, seen
    page.focus("#show-card")
    page.keyboard.press("Enter")
    expect(page.locator("#card")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#card")).to_be_hidden()
    assert page.evaluate("document.activeElement.id") == "show-card"


def test_the_server_goes_and_comes_back(open_page, classifier):
    server = PageServer("tiny")
    server.start()
    page = open_page(server.url)
    page.watch.allowed = re.compile("ERR_CONNECTION_REFUSED|WebSocket connection")
    expect(page.locator("#live")).to_contain_text("%.")
    server.stop()
    expect(page.locator("#connection")).to_have_attribute("data-state", "lost")
    expect(page.locator("#live")).to_have_text("The server is unreachable. Your text stays here.")
    write(page, "A great")
    write(page, "A great film.")
    server.start()
    settle(page, classifier, "A great film.")
    expect(page.locator("#connection-text")).to_have_text("Model tiny")
    write(page, TURN)
    settle(page, classifier, TURN)
    server.stop()


def test_another_model_reads_the_text_again(open_page):
    server = PageServer("tiny", "default")
    server.start()
    page = open_page(server.url)
    expect(page.locator("#models option")).to_have_text(["tiny", "default"])
    write(page, "The train leaves at nine.")
    expect(page.locator("#classes .word")).to_have_text(["negative", "positive"])
    page.select_option("#models", "default")
    expect(page.locator("#classes .word")).to_have_text(["negative", "neutral", "positive"])
    expect(page.locator("#label")).to_have_text("Neutral")
    choose(page, "a.txt", "The train leaves at nine.")
    finished(page, 1)
    expect(page.locator("#rows .label")).to_have_text("● Neutral")
    page.select_option("#models", "tiny")
    expect(page.locator("#classes .word")).to_have_text(["negative", "positive"])
    with page.expect_download() as download:
        page.click("#download")
    content = download.value.path().read_text(encoding="utf-8-sig")
    assert "probability_neutral" in content.splitlines()[0], "of the model that scored the rows"
    page.select_option("#models", "default")
    page.click("#show-card")
    expect(page.locator("#card-text h3").first).to_have_text("default")
    page.context.close()
    server.stop()


def test_the_model_may_change_while_a_text_is_read(open_page):
    server = PageServer("tiny", "default")
    server.start()
    page = open_page(server.url)
    page.evaluate("""() => {
        const send = WebSocket.prototype.send;
        WebSocket.prototype.send = function (data) {  // the first model never answers
            if (!this.url.includes("default")) return;
            send.call(this, data);
        };
    }""")
    write(page, "The train leaves at nine.")
    page.select_option("#models", "default")
    expect(page.locator("#classes .word")).to_have_text(["negative", "neutral", "positive"])
    expect(page.locator("#label")).to_have_text("Neutral")
    page.context.close()
    server.stop()


def test_a_model_of_several_labels_has_no_threshold_of_the_page(open_page, tmp_path):
    thresholds = (1e-6, 1e-6, 0.999)
    folder = save(tmp_path / "moods", ("anger", "joy", "love"), thresholds=thresholds)
    none = save(tmp_path / "none", ("anger", "joy"), thresholds=(0.999, 0.999))
    server = PageServer(str(folder), str(none))
    server.start()
    page = open_page(server.url)
    write(page, "a good film")
    expect(page.locator("#label")).to_have_text(re.compile("^(Anger|Joy)$"))
    page.locator("#threshold").fill("0.95")
    expect(page.locator("#label")).to_have_text(re.compile("^(Anger|Joy)$"))
    choose(page, "a.txt", "a good film")
    finished(page, 1)
    with page.expect_download() as download:
        page.click("#download")
    (row,) = csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8-sig")))
    assert sorted(row["predicted_label"].split("|")) == ["anger", "joy"]
    page.select_option("#models", "none")
    expect(page.locator("#label")).to_have_text("No label")
    expect(page.locator("#curve-description")).to_contain_text("starts no label")
    page.context.close()
    server.stop()


def test_the_legend_names_the_classes_of_the_model(open_page, tmp_path):
    shops = save(tmp_path / "shops", classes=("bad", "good"))
    topics = save(tmp_path / "topics", classes=("bill", "delay", "praise"))
    server = PageServer(str(shops), str(topics))
    server.start()
    page = open_page(server.url)
    samples = page.locator("#legend .sample")
    expect(samples).to_have_text(["bad", "between", "good"])
    page.select_option("#models", "topics")
    expect(samples).to_have_text([re.compile("^(bill|delay|praise)$")])
    write(page, "")
    expect(page.locator("#legend")).to_be_hidden()
    page.context.close()
    server.stop()


def test_a_model_of_two_directions_gives_its_verdict_alone(open_page, tmp_path):
    folder = save(tmp_path / "both", classes=("bad", "good"), bidirectional=True)
    server = PageServer(str(folder))
    server.start()
    page = open_page(server.url)
    write(page, "a good film")
    expect(page.locator("#notice")).to_contain_text("found one of two")
    expect(page.locator("#classes .value")).to_have_text([re.compile(r"\d%")] * 2)
    page.context.close()
    server.stop()


def test_a_text_too_long_for_the_server_gets_one_sentence(open_page):
    server = PageServer("tiny", payload_limit=1000)
    server.start()
    try:
        page = open_page(server.url)
        page.fill("#text", "good " * 300)
        expect(page.locator("#notice")).to_have_text("The text is too long for the server.")
        page.fill("#text", "good")
        expect(page.locator("#label")).to_have_text("Positive")
        page.context.close()  # before the server, so that it asks nobody
    finally:
        server.stop()


@pytest.fixture
def locked() -> Iterator[PageServer]:
    server = PageServer("tiny", api_key="right key")
    server.start()
    yield server
    server.stop()


def asked_for_the_key(browser: Browser, url: str) -> Page:
    context = browser.new_context(viewport=WIDE, **QUIET)
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.watch = Watch(page, url)
    page.watch.allowed = re.compile("status of 401")  # the browser logs each answer with an error
    page.goto(url)
    expect(page.locator("#key-panel")).to_be_visible()
    return page


def test_a_key_is_asked_for_and_kept_for_this_tab(browser, locked, classifier):
    page = asked_for_the_key(browser, locked.url)
    expect(page.locator("#key")).to_be_focused()
    expect(page.locator("#connection-text")).to_have_text("Key needed")
    expect(page.get_by_label("Key", exact=True)).to_have_attribute("type", "password")
    assert violations(page) == []
    for wrong in ("wrong key", "schlüssel"):
        page.keyboard.type(wrong)
        page.keyboard.press("Enter")
        expect(page.locator("#key-wrong")).to_have_text(
            "The service did not accept the key. Enter it again."
        )
        expect(page.locator("#key")).to_be_focused()
        assert violations(page) == []
        page.locator("#key").press("Control+A")
        page.keyboard.press("Delete")
    page.keyboard.type("right key")
    page.keyboard.press("Enter")
    expect(page.locator("#key-panel")).to_be_hidden()
    expect(page.locator("#text")).to_be_focused()
    write(page, TURN)
    settle(page, classifier, TURN)
    expect(page.locator("#phrases button").first).to_be_visible()
    choose(page, "mails.csv", table_of(20))
    finished(page, 20)
    page.click("#show-card")
    expect(page.locator("#card-text h3").first).to_have_text("tiny")
    page.click("#close-card")
    page.reload()
    expect(page.locator("#score")).to_contain_text("%")
    expect(page.locator("#key-panel")).to_be_hidden()
    page.click("#show-docs")
    expect(page.locator("h1")).to_be_visible()
    other = page.context.new_page()
    other.goto(locked.url)
    expect(other.locator("#key-panel")).to_be_visible()
    page.context.close()
    page.watch.check()


def test_a_changed_key_is_asked_for_and_the_text_stays(browser, locked, classifier):
    page = asked_for_the_key(browser, locked.url)
    page.fill("#key", "right key")
    page.click("text=Use this key")
    expect(page.locator("#score")).to_contain_text("%")
    page.watch.allowed = re.compile("401|ERR_CONNECTION_REFUSED|WebSocket connection")
    page.focus("#text")
    locked.stop()
    locked.options = replace(locked.options, api_key="new key")
    locked.start()
    expect(page.locator("#key-panel")).to_be_visible()
    page.keyboard.type("new key")
    page.keyboard.press("Enter")
    expect(page.locator("#key-panel")).to_be_hidden()
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("A great film.")
    settle(page, classifier, "A great film.")
    expect(page.locator("#connection-text")).to_have_text("Model tiny")
    page.context.close()
    page.watch.check()


def test_a_quote_that_never_closes_costs_no_other_rows(page):
    choose(page, "a.csv", 'text,n\n"never closed,1\nsecond,2\nthird,3\n')
    finished(page, 3)


def test_a_full_server_is_asked_again(open_page, static_site):
    engine = FAKE.replace(
        "async read(text) {",
        """async read(text) {
      this.asked = (this.asked ?? 0) + 1;
      if (this.asked === 2) throw Object.assign(new Error("full"), { type: "Overloaded" });
      if (text === "bad") throw new Error("Expected another text.");""",
    )
    (static_site.folder / "engine_browser.js").write_text(engine)
    page = open_page(static_site.url)
    write(page, "dear mum")
    expect(page.locator("#notice")).to_have_text("The server is busy. Trying again.")
    expect(page.locator("#label")).to_have_text("Family")
    expect(page.locator("#notice")).to_be_hidden()
    write(page, "bad")
    expect(page.locator("#notice")).to_have_text("Expected another text.")
    expect(page.locator("#label")).to_have_text("No text")
    write(page, "dear mum")
    expect(page.locator("#label")).to_have_text("Family")


def test_the_card_shows_its_tables_and_no_markup(page):
    page.click("#show-card")
    expect(page.locator("#card-text h3").first).to_have_text("tiny")
    assert "|" not in page.locator("#card-text table").last.text_content()
    assert "license: apache-2.0" not in page.locator("#card-text").text_content()
    page.click("#close-card")


FAKE = """
export async function open({ onStatus }) {
  onStatus({ state: "loading", fraction: 0.5 });
  const classes = ["spam", "work", "family"];
  const row = (text) => text.includes("mum")
    ? { label: "family", score: 0.8, probabilities: [0.1, 0.1, 0.8] }
    : { label: "work", score: 0.5, probabilities: [0.3, 0.5, 0.2] };
  return {
    info: { name: "fake", classes },
    async read(text) {
      const steps = [...text.matchAll(/\\S+/g)].map((match) => ({
        text: match[0], start: match.index, end: match.index + match[0].length,
        ...row(text.slice(0, match.index + match[0].length)), forget: null,
      }));
      const last = steps.at(-1) ?? { label: null, score: null, probabilities: [0, 0, 0] };
      return { from: 0, steps, ...last, classes, familiarity: 0.2 };
    },
    async explain(text) {
      return { label: "family", against: null, score: 0.8, method: "fake", classes, words: [],
        phrases: [{ text: "mum", start: 0, end: 3, attribution: 0.4 },
                  { text: "meeting", start: 4, end: 11, attribution: -0.2 }] };
    },
    classify: async (texts) => texts.map(row),
  };
}
"""


class Site(NamedTuple):
    url: str
    folder: Path


@pytest.fixture
def static_site(tmp_path) -> Iterator[Site]:
    """The page's folder on a host that only sends files, with another engine."""
    folder = tmp_path / "site"
    shutil.copytree(PAGE, folder)
    settings = {"engine": "browser", "module": "./engine_browser.js"}
    (folder / "engine.json").write_text(json.dumps(settings))
    (folder / "engine_browser.js").write_text(FAKE)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as host:
        thread = threading.Thread(target=host.serve_forever, daemon=True)
        thread.start()
        yield Site(f"http://127.0.0.1:{host.server_port}/", folder)
        host.shutdown()
        thread.join()


def test_the_same_page_works_without_a_server(open_page, static_site):
    page = open_page(static_site.url)
    expect(page.locator("#connection-text")).to_have_text("Model fake")
    expect(page.locator("#unfamiliar")).to_be_visible()
    expect(page.locator("#show-docs")).to_be_hidden()
    write(page, "the meeting with mum")
    expect(page.locator("#label")).to_have_text("Family")
    expect(page.locator("#live")).to_contain_text("Family, 80%. The text is unfamiliar.")
    sides = page.locator("#phrases .side")
    expect(sides).to_have_text(["■ family", "against family"])
    expect(page.locator("#curve circle.turn")).to_have_count(1)
    choose(page, "mails.txt", "dear mum\nnext week\n")
    finished(page, 2)
    expect(page.locator("#distribution .value")).to_have_text(["0 0%", "0 0%", "1 50%", "1 50%"])
    expect(page.locator("#privacy")).to_have_text("The rows stay on your device.")
    assert page.watch.paths.isdisjoint({"stream", "info", "explain", "batch", "predict"})
