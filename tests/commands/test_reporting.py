"""`evaluate --report` and `--slice` write a whole page or refuse before they measure."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from sentiment_lstm.bundle import WEIGHTS, save_bundle
from sentiment_lstm.commands.reporting import sizes
from sentiment_lstm.evaluation import cases

CALL = ("evaluate", "--model", "model", "--data", "films.csv")


@pytest.fixture
def films(tmp_path: Path) -> Path:
    path = tmp_path / "films.csv"
    rows = [
        f"a {('bad', 'good')[n % 2]} film <script>{n},{('negative', 'positive')[n // 2 % 2]},"
        f"{('drama', 'a <b>', '')[n % 3]}"
        for n in range(12)
    ]
    path.write_text("\n".join(["text,label,genre", *rows, ",positive,drama"]), encoding="utf-8")
    return path


@pytest.fixture
def quick(monkeypatch):
    """Few cases, and no library that takes seconds to import."""
    few = cases.shipped_cases()[:5]
    monkeypatch.setattr(cases, "shipped_cases", lambda: few)
    for name in ("cleanlab.filter", "captum"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.usefixtures("films", "model", "quick")
def test_the_report_of_a_model_with_slices(run, tmp_path: Path):
    code, out, err = run(*CALL, "--slice", "genre", "--report", "page.html", "--json")
    assert code == 0, err
    values = json.loads(out)
    assert {row["value"]: row["n"] for row in values["slices"]["genre"]} == {
        "drama": 4,
        "a <b>": 4,
        "(none)": 4,
    }
    assert values["intervals"].keys() == {"macro_recall", "f1", "roc_auc", "log_loss", "ece"}
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Wrote the report to page.html" in err
    assert "<script>" not in page
    assert "towards-" in page.partition("</style>")[2]
    for words in ("set aside: empty text", "a &lt;b&gt;", "sentiment-lstm[report]", "parameters"):
        assert words in page
    assert [p.name for p in tmp_path.iterdir() if p.name.endswith(".tmp")] == []


@pytest.mark.usefixtures("quick")
def test_the_report_holds_no_full_path(run, films: Path, model: Path, tmp_path: Path):
    call = ("evaluate", "--model", str(model), "--data", str(films))
    code, _, err = run(*call, "--report", "page.html")
    assert code == 0, err
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<h1>model on films.csv, all</h1>" in page
    assert str(tmp_path) not in page


@pytest.mark.usefixtures("films", "quick")
def test_other_class_names_are_escaped_and_have_no_suite(run, make_bundle, tmp_path: Path):
    save_bundle(tmp_path / "model", make_bundle(("<i>bad", "so so", "good")))
    maps = "negative=<i>bad,positive=good"
    code, _, err = run(*CALL, "--label-map", maps, "--report", "page.html")
    assert code == 0, err
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "The suite asks for" in page
    assert "<i>bad" not in page


@pytest.mark.usefixtures("films", "model")
def test_slices_are_in_the_printed_table(run):
    code, out, _ = run(*CALL, "--slice", "genre")
    assert code == 0
    assert "a <b>" in out
    assert "95% interval" in out


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--slice", "gnre"), 1, "'gnre' in films.csv, found the columns text, label, genre"),
        (("--report", "films.csv/page.html"), 2, "found the file"),
        (("--report", "reviews.csv"), 2, ".html"),
        (("--report", "model"), 2, "found 'model'"),
    ],
)
@pytest.mark.usefixtures("films", "model")
def test_wrong_calls_are_refused_in_one_sentence(run, options, code, words):
    exit_code, _, err = run(*CALL, *options)
    assert (exit_code, err.count("\n")) == (code, 1)
    assert words in err


@pytest.mark.usefixtures("model")
def test_sources_without_columns_have_no_slices(run, tmp_path: Path):
    for name in ("pos", "neg"):
        (tmp_path / "acl/test" / name).mkdir(parents=True)
        (tmp_path / "acl/test" / name / "0_3.txt").write_text("a film")
    for source in ("acl", "imdb"):
        code, _, err = run("evaluate", "--model", "model", "--data", source, "--slice", "genre")
        assert (code, err.count("\n")) == (1, 1)
        assert "column" in err


@pytest.mark.usefixtures("films", "model")
def test_without_matplotlib_nothing_is_measured(run, monkeypatch, tmp_path: Path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    code, _, err = run(*CALL, "--report", "page.html")
    assert (code, err.count("\n")) == (1, 1)
    assert "sentiment-lstm[report]" in err
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize("half", [False, True])
def test_the_stored_bytes_are_those_of_the_file(make_bundle, tmp_path: Path, half: bool):
    for wide in (False, True):
        bundle = replace(make_bundle(wide=wide), half=half)
        save_bundle(tmp_path / f"{wide}", bundle)
        arrays = load_file(tmp_path / f"{wide}" / WEIGHTS).values()
        assert sizes(bundle)["stored bytes"] == sum(array.nbytes for array in arrays)


@pytest.mark.usefixtures("films", "quick")
def test_the_failures_of_three_classes_show_three_probabilities(
    run, three, tmp_path: Path, monkeypatch
):
    save_bundle(tmp_path / "model", three)
    facts = [cases.Case("facts", ("a film",), name) for name in three.config.classes]
    monkeypatch.setattr(cases, "shipped_cases", lambda: facts)
    code, _, err = run(*CALL, "--report", "page.html")
    assert code == 0, err
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    heads = "".join(f'<th class="n">{name}</th>' for name in ("negative", "neutral", "positive"))
    assert f"<th>expected</th>{heads}<th>text</th>" in page
