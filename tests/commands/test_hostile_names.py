"""Labels, columns and file names cannot control the terminal, fake a line or turn a page's text."""

import csv
import re
import shutil
from pathlib import Path

import pytest

from sentiment_lstm.bundle import save_bundle

UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
CLEAR, TURN = "\x1b[2J\x07", "\u202e"
BAD, GOOD = f"bad{CLEAR}\nSaved everything", f"good{TURN}\x9b31m"
COLUMN = f"sho{CLEAR}p"


@pytest.fixture
def hostile(make_bundle, tmp_path: Path) -> str:
    """A model with hostile labels. Its neighbours are hostile too: `texts.csv` and `copy`."""
    save_bundle(tmp_path / "model", make_bundle((BAD, GOOD)))
    shutil.copytree(tmp_path / "model", tmp_path / f"co{TURN}py")
    (tmp_path / "line\nError: model.csv").write_text("text,label\na,b\nc,d\n")
    rows = [
        (f"{'not ' * (n % 2)}good film {n}", (BAD, GOOD)[n % 2], f"x{CLEAR}") for n in range(40)
    ]
    with (tmp_path / "texts.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label", COLUMN), *rows])
    return str(tmp_path / "model")


@pytest.mark.parametrize(
    "arguments",
    [
        ["predict", "a good film"],
        ["stream", f"a good {CLEAR} film"],
        ["explain", "a good film"],
        ["evaluate", "--data", "texts.csv", "--slice", COLUMN],
        ["evaluate", "--data", "texts.csv", "--slice", f"none{CLEAR}"],
        ["explain", "a good film", "--label", f"none{TURN}"],
        ["explain", "a good film", "--against", GOOD],
        ["export", "--standalone", "one.onnx"],
    ],
)
def test_labels_columns_and_their_errors_are_printable(run, hostile, arguments):
    _, out, err = run(*arguments, "--model", hostile)
    assert not UNSAFE.search(out + err)
    assert "\nSaved everything" not in out + err


@pytest.mark.parametrize(
    "arguments",
    [
        ["predict", "--model", f"no{CLEAR}\nError: model", "a"],
        ["predict", "--input", f"no{CLEAR}.csv", "--output", "out.csv"],
        ["predict", "--input", "texts.csv", "--output", f"o{TURN}.csv", "--text-column", CLEAR],
        ["train", "--data", f"no{TURN}\n.csv", "--out", f"r{CLEAR}"],
        ["data", f"no{CLEAR}.csv"],
        ["data", "line\nError: model.csv"],
        ["compare", "model", f"co{TURN}py"],
        ["explain", "a", "--html", f"no{CLEAR}/x.html"],
    ],
)
def test_names_of_files_and_models_are_printable(run, hostile, arguments):
    _, out, err = run(*arguments)
    assert not UNSAFE.search(out + err)
    assert not re.search("^ *Error: model", out + err, re.MULTILINE)


def test_training_prints_hostile_classes_on_their_line(run, hostile, tmp_path):
    options = ["--preset", "quick", "--set", "training.max_steps=1", "--set", "model.layers=1"]
    options += ["--set", "training.embeddings=random", "--set", "text.min_frequency=1"]
    for data in ("texts.csv", f"te{CLEAR}xts.csv"):
        (tmp_path / "texts.csv").rename(tmp_path / data)
        code, out, err = run("train", "--data", data, "--out", f"run{TURN}{len(data)}", *options)
        (tmp_path / data).rename(tmp_path / "texts.csv")
        assert code == 0, err
        assert not UNSAFE.search(out + err)
        assert "\nSaved everything" not in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["explain", f"a good {TURN}film", "--html"],
        ["evaluate", "--data", "texts.csv", "--slice", COLUMN, "--report"],
        ["compare", "model", f"co{TURN}py", "--out"],
    ],
)
def test_pages_hold_no_characters_that_turn_or_control_text(run, hostile, arguments, tmp_path):
    pytest.importorskip("matplotlib")
    model = [] if arguments[0] == "compare" else ["--model", hostile]
    code, _, err = run(*arguments, "page.html", *model)
    assert code == 0, err
    assert not UNSAFE.search((tmp_path / "page.html").read_text(encoding="utf-8"))
