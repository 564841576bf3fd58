"""The commands read files as spreadsheets save them, and say what they found out."""

import json

import openpyxl
import pytest
from tiny_runs import TINY

from sentiment_lstm.settings import read_json

ROWS = [
    (f"Brief {n}", f"{('schön', 'blöd')[n % 2]}; wirklich\nsehr {n}", ("gut", "übel")[n % 2])
    for n in range(60)
]
SAID = (
    "Read brief.csv as cp1252, with ; between its columns. It is not UTF-8; if letters look wrong, "
    "name its encoding with --encoding."
)
COLUMNS = ["--text-column", "Betreff,Text"]
LABEL = ["--label-column", "Urteil"]


@pytest.fixture
def letters(tmp_path):
    lines = ["Nr.;Betreff;Text;Urteil"]
    lines += [f'{n};{title};"{text}";{label}' for n, (title, text, label) in enumerate(ROWS)]
    path = tmp_path / "brief.csv"
    path.write_bytes("\r\n".join(lines).encode("cp1252"))
    return path


@pytest.fixture
def workbook(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["Betreff", "Text", "Urteil"])
    for row in ROWS:
        book.active.append(row)
    book.save(tmp_path / "brief.xlsx")
    return tmp_path / "brief.xlsx"


def test_counting_a_file_says_how_it_is_read(run, letters):
    code, out, err = run("data", "brief.csv", *COLUMNS, *LABEL, "--json")
    counts = json.loads(out)
    assert code == 0
    assert err.strip() == SAID
    assert counts["rows"] == 60
    assert counts["set aside"] == {}
    assert counts["classes"] == {"gut": 30, "übel": 30}


def test_counting_names_classes_that_differ_only_in_case(run, tmp_path):
    (tmp_path / "mail.csv").write_text("text,label\nIt came.,Good\nIt broke.,bad\nAll well.,good\n")
    for more in ([], ["--json"]):
        code, out, err = run("data", "mail.csv", *more)
        assert (code, out.count("Good")) == (0, 1)
        assert err == (
            "Classes that differ only in upper and lower case are separate: Good and good. "
            "Write them alike if they mean the same.\n"
        )


def test_set_options_are_not_found_out(run, letters):
    options = ["--encoding", "cp1252", "--separator", ";"]
    code, out, err = run("data", "brief.csv", *COLUMNS, *LABEL, *options, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["rows"] == 60
    assert run("data", "brief.csv", *LABEL, "--encoding", "utf-9")[0] == 2
    assert run("data", "brief.csv", *LABEL, "--separator", "xy")[0] == 2


def test_a_workbook_is_counted(run, workbook):
    _, out, _ = run("data", "brief.xlsx", *COLUMNS, *LABEL, "--json")
    assert json.loads(out)["classes"] == {"gut": 30, "übel": 30}


def test_a_training_keeps_the_options_for_evaluation(run, letters, tmp_path):
    call = ["train", "--data", "brief.csv", "--out", "run", *COLUMNS, *LABEL]
    call += [part for name, value in TINY.items() for part in ("--set", f"{name}={value}")]
    call += ["--set", "training.trials=0"]
    code, _, err = run(*call, "--encoding", "cp1252", "--set", "data.separator=;")
    assert code == 0, err
    data = read_json(tmp_path / "run" / "settings.json").data
    assert (data.encoding, data.separator, data.text_column) == ("cp1252", ";", "Betreff,Text")
    code, out, err = run("evaluate", "--model", "run", "--json")
    assert code == 0, err
    assert json.loads(out)["set_aside"] == {}
    code, out, _ = run("evaluate", "--model", "run", "--data", "brief.csv", "--json")
    assert code == 0


def test_a_model_of_several_text_columns_reads_them_again(run, letters, tmp_path):
    """Without --text-column, too: `Text` alone has a usual name."""
    call = ["train", "--data", "brief.csv", "--out", "run", *COLUMNS, *LABEL]
    call += [part for name, value in TINY.items() for part in ("--set", f"{name}={value}")]
    assert run(*call)[0] == 0
    options = ["--model", "run", "--data", "brief.csv", "--split", "train", "--json"]
    same = [json.loads(run("evaluate", *options, *more)[1]) for more in ([], COLUMNS)]
    assert same[0] == same[1]
    files = ["predict", "--model", "run", "--input", "brief.csv", "--output"]
    assert run(*files, "a.csv")[0] == 0
    assert run(*files, "b.csv", *COLUMNS)[0] == 0
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_a_file_is_scored_by_the_text_column_of_the_training(run, letters, tmp_path):
    call = ["train", "--data", "brief.csv", "--out", "run", "--text-column", "Betreff", *LABEL]
    call += [part for name, value in TINY.items() for part in ("--set", f"{name}={value}")]
    assert run(*call)[0] == 0
    files = ["predict", "--model", "run", "--input", "brief.csv", "--output"]
    assert run(*files, "a.csv")[0] == 0
    assert run(*files, "b.csv", "--text-column", "Betreff")[0] == 0
    assert run(*files, "c.csv", "--text-column", "Text")[0] == 0
    a, b, c = ((tmp_path / name).read_bytes() for name in ("a.csv", "b.csv", "c.csv"))
    assert a == b != c
    (tmp_path / "other.csv").write_text("Text\nnicht schlecht\n")
    code, out, err = run("predict", "--model", "run", "--input", "other.csv", "--output", "-")
    assert (code, out.splitlines()[0]) == (0, "Text,predicted_label,predicted_score"), err


def test_a_file_is_scored_with_probabilities(run, model, letters, tmp_path):
    call = ["predict", "--model", str(model), "--input", "brief.csv", *COLUMNS]
    code, _, err = run(*call, "--output", "out.csv", "--probabilities")
    assert code == 0
    assert "Scored 60 rows into out.csv." in err
    header = (tmp_path / "out.csv").read_text("utf-8-sig").splitlines()[0]
    assert header.startswith("Nr.;Betreff;Text;Urteil;predicted_label;predicted_score;probability_")
    assert run(*call, "--output", "out.csv")[0] == 2, "an output of other options"
    code, _, err = run(*call, "--output", "again.csv", "--encoding", "latin1", "--separator", ";")
    assert (code, err) == (0, "Scored 60 rows into again.csv.\n")


def test_a_workbook_is_printed_as_csv(run, model, workbook):
    call = ["predict", "--model", str(model), "--input", "brief.xlsx", *COLUMNS, "--output"]
    code, _, err = run(*call, "out.xlsx")
    assert code == 2
    assert "choose another ending; spreadsheets open csv" in err
    code, out, _ = run(*call, "-")
    assert code == 0
    assert out.splitlines()[0] == "\ufeffBetreff,Text,Urteil,predicted_label,predicted_score"


@pytest.mark.parametrize(
    "option", [["--encoding", "cp1252"], ["--separator", ";"], ["--probabilities"]]
)
def test_options_of_files_are_refused_for_texts(run, model, option):
    code, _, err = run("predict", "--model", str(model), *option, "a text")
    assert code == 2
    assert option[0] in err
