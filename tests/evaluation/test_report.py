"""The report is made from plain values, escapes texts, and says which section is missing."""

import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sentiment_lstm.evaluation.bootstrap import MEASURES
from sentiment_lstm.evaluation.by_class import by_class
from sentiment_lstm.evaluation.metrics import accuracy_by_value, evaluate, roc_curve
from sentiment_lstm.evaluation.out_of_scope import out_of_scope_scores
from sentiment_lstm.evaluation.report import Report, Training, report_page, summary

EVIL = '<script>alert("x")</script><img src=http://evil.example/x.png>'
INTERVALS = {name: [0.1, 0.9] for name in MEASURES}
HISTORY = [
    *(
        {"step": n, "epoch": 1, "loss": 1 / n, "accuracy": 0.5, "grad_norm": 3.0 / n}
        for n in (1, 2)
    ),
    {"step": 2, "epoch": 1, "validation_loss": 0.6, "validation_accuracy": 0.7},
]
CAPABILITY = {
    "capability": "negation",
    "kind": "verdict",
    "cases": 10,
    "failures": 2,
    "failure_rate": 0.2,
    "limit": 0.1,
    "within_limit": False,
    "examples": [{"texts": [EVIL], "expected": "positive", "scores": [0.2]}],
}


def measured(labels: list[int], probabilities: Any, classes: list[str]) -> dict[str, Any]:
    """Return all that `measuring.measure` returns."""
    y, p = np.array(labels), np.array(probabilities)
    right = p.argmax(axis=1) == y
    scores = evaluate(y, p, 10 * np.arange(len(y)))
    mistake = {"id": "f:2", "true": classes[0], "predicted": classes[1], "score": 0.9, "text": EVIL}
    return {
        **scores.to_dict(),
        **by_class(scores.confusion, classes),
        "out_of_scope": None,
        "data": "films.csv",
        "split": "train",
        "classes": classes,
        "set_aside": {"empty text": 1},
        "duplicates": {"duplicates": 3},
        "roc_curve": {classes[c]: points for c, points in roc_curve(y, p).items()},
        "slices": {"genre": accuracy_by_value(right, [("a", EVIL)[n % 2] for n in y])},
        "abstain": {"threshold": 0.0},
        "mistakes": [mistake],
        "intervals": INTERVALS,
        "label_errors": {"found": 1, "note": "", "examples": [mistake]},
    }


def report(labels: Any = (0, 1, 1, 0), probabilities: Any = None, classes: Any = None) -> Report:
    """Make a report with all sections about a few texts."""
    probabilities = probabilities or [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]]
    values = measured(list(labels), probabilities, classes or ["negative", "positive"])
    settings = {"training": {"clip_norm": 5.0}}
    training = Training(HISTORY, {"duplicates": 2, "set aside": {"NUL": 1}}, settings)
    return Report("runs/a", values, {"parameters": "12"}, training, [CAPABILITY])


class Resources(HTMLParser):
    """Collects the addresses that a browser would load, and the elements of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in ("a", "use"):
            self.addresses += [v or "" for name, v in attrs if name.endswith(("src", "href"))]


def check(page: str) -> None:
    """Check that a page loads nothing and holds no script, NaN or infinity."""
    inside = Resources(page)
    assert set(inside.addresses) <= {"data:,"}
    assert not inside.tags & {"script", "img", "iframe"}
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)
    assert not re.search(r"\bnan\b|\binf\b", page, re.IGNORECASE)


def test_the_page_holds_every_section_and_loads_no_resource():
    page = report_page(report())
    check(page)
    for words in (
        "macro recall",
        "true \\ predicted",
        "Data screening",
        "set aside: NUL",
        "negation",
    ):
        assert words in page
    assert page.count("<svg ") == 7  # four about measures, three about training
    names = re.findall(r'\bid="([^"]+)"', page)
    assert len(names) == len(set(names))
    links = re.findall(r'<a href="#([^"]+)"', page)
    assert links
    assert set(links) <= set(names)


def test_texts_and_names_are_escaped():
    page = report_page(report(classes=[EVIL, "$x$ _<b>é"]))
    check(page)
    assert "&lt;script&gt;" in page


def test_the_same_values_give_the_same_page():
    assert report_page(report()) == report_page(report())


@pytest.mark.parametrize(
    ("labels", "probabilities"),
    [
        ((0, 1), [[0.9, 0.1], [0.8, 0.2]]),
        ((1, 1), [[0.9, 0.1], [0.2, 0.8]]),
        ((0, 1, 2), [[0.4, 0.3, 0.3], [0.3, 0.3, 0.4], [0.1, 0.1, 0.8]]),
        ((0, 2), [[0.34, 0.33, 0.33], [0.33, 0.34, 0.33]]),
    ],
)
def test_few_texts_and_one_or_three_classes_give_a_page(labels, probabilities):
    page = report_page(
        report(labels, probabilities, [f"c{n}" for n in range(len(probabilities[0]))])
    )
    check(page)
    assert ("No ROC curve" in page) == (len(set(labels)) == 1)


def many_classes() -> Report:
    """Make a report on 77 classes, and on texts of none."""
    rng = np.random.default_rng(0)
    labels = np.arange(77 * 5) % 77
    logits = rng.normal(size=(len(labels), 77))
    logits[np.arange(len(labels)), labels] += 2.0
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    full_report = report(
        labels.tolist(), probabilities.tolist(), [f"intent {n}" for n in range(77)]
    )
    outside = out_of_scope_scores(probabilities.max(axis=1), np.full(9, 0.3), (0.2, 0.4))
    values = {**full_report.measured, "out_of_scope": {"data": "other.csv", **outside}}
    return replace(full_report, measured=values)


def test_many_classes_have_no_matrix():
    page = report_page(many_classes())
    check(page)
    assert "true \\ predicted" not in page
    shown, _, folded = page.partition("<summary>All 77 classes</summary>")
    assert "The 20 weakest of 77 classes" in shown
    assert len(re.findall(r'<td class="name">intent \d+</td>', shown)) == 2 * 10 + 20
    assert len(re.findall(r'<td class="name">intent \d+</td>', folded)) == 77
    assert re.search(r"commonest mistake: intent \d+ predicted as intent \d+, \d of 5 texts", page)
    assert "The 6 weakest classes." in page


def test_texts_of_no_class_are_a_table_and_a_sentence():
    page = report_page(many_classes())
    assert "9 texts of other.csv belong to no class" in page
    assert "With --abstain-below 0.4, 100.0% of 9 texts of no class stay unlabelled" in page
    assert "--out-of-scope SOURCE" in report_page(report())


def test_classes_that_are_numbers_have_a_distance():
    probabilities = [[0.8, 0.1, 0.1], [0.1, 0.1, 0.8], [0.2, 0.5, 0.3]]
    page = report_page(report((0, 0, 2), probabilities, ["1", "2", "3"]))
    check(page)
    assert re.search(r"mean absolute error</div><div class=\"number\">1\.000<", page)
    assert re.search(r"off by at most one</div><div class=\"number\">66\.7%<", page)
    assert "mean absolute error" not in report_page(report())


def test_a_sentence_replaces_each_missing_section():
    full_report = report()
    values = {**full_report.measured, "mistakes": [], "slices": {}}
    values["label_errors"] = {"found": None, "note": "Expected cleanlab.", "examples": []}
    bare = Report("a", values, {}, Training(), "The suite does not fit.")
    page = report_page(bare)
    for words in ("No learning curves", "The suite does not fit.", "Expected cleanlab.", "--slice"):
        assert words in page


def test_a_training_without_validation_texts_has_curves_too():
    history = [row for row in HISTORY if "validation_loss" not in row]
    page = report_page(replace(report(), training=Training(history, {}, {})))
    assert "No learning curves" not in page
    assert "Loss on training batches." in page


def test_long_texts_are_clipped_and_very_long_ones_cut():
    full_report = report()
    text = "word " * 100_000
    parts = [{"text": "good", "strength": 1.0, "towards": "second"}]
    parts += [{"text": "word " * 100, "strength": 0.0, "towards": ""} for _ in range(1000)]
    row = {**full_report.measured["mistakes"][0], "text": text}
    page = report_page(
        replace(full_report, measured={**full_report.measured, "mistakes": [row]}, words=[parts])
    )
    assert "characters left out" in page
    assert "towards-second" in page
    assert len(page) < 500_000


def test_the_summary_names_weak_slices_and_capabilities():
    sentences = " ".join(summary(report()))
    assert "right on 75.0% of 4 texts" in sentences
    assert "of 1 of 1 tested capabilities: negation" in sentences
    assert "No length and no slice is clearly worse" in sentences
    rows = [{"value": "west", "n": 50, "accuracy": 0.2, "interval": [0.1, 0.4]}]
    full_report = report()
    weak = replace(full_report, measured={**full_report.measured, "slices": {"genre": rows}})
    assert "genre west (20.0%)" in " ".join(summary(weak))


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1400])
@pytest.mark.parametrize("scheme", [0, 1], ids=["dark", "light"])
def test_a_browser_shows_the_page_without_a_message(tmp_path: Path, width: int, scheme: int):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium")
    page, picture = tmp_path / "report.html", tmp_path / "report.png"
    page.write_text(report_page(report()), encoding="utf-8")
    options = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--enable-logging=stderr",
        "--v=0",
    ]
    options += [f"--blink-settings=preferredColorScheme={scheme}", f"--window-size={width},2000"]
    output = [f"--user-data-dir={tmp_path / 'profile'}", f"--screenshot={picture}", page.as_uri()]
    done = subprocess.run([browser, *options, *output], capture_output=True, text=True, timeout=300)
    assert picture.stat().st_size > 10_000
    assert "CONSOLE" not in done.stderr
