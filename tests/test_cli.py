"""The command line: its output, its errors of one sentence, its exit codes."""

import json
import logging
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from sentiment_lstm import __version__
from sentiment_lstm.cli import main
from sentiment_lstm.commands.training import SIX_SENTENCES
from sentiment_lstm.errors import UsageError

TINY = [
    "--set=text.min_frequency=1",
    "--set=model.embedding_size=8",
    "--set=model.hidden_size=8",
    "--set=model.layers=1",
    "--set=model.pooling=max+mean",
    "--set=training.embeddings=random",
    "--set=training.batch_tokens=200",
    "--set=training.max_steps=3",
    "--set=training.trials=0",
    "--threads=1",
]


def assert_one_sentence(code: int, err: str, codes: tuple[int, ...] = (1, 2)) -> None:
    assert code in codes
    assert "Traceback" not in err
    last = err.strip().splitlines()[-1]
    assert last.startswith("Error: Expected"), last
    assert "found" in last
    assert last.endswith(".")


def test_version_and_help(run):
    assert run("--version") == (0, f"sentiment-lstm {__version__}\n", "")
    code, out, _ = run("--help")
    assert code == 0
    assert all(name in out for name in ("quickstart", "train", "evaluate", "predict", "compare"))


def test_the_module_runs_like_the_command():
    for arguments, code in ((["--version"], 0), (["predict", "--modle", "x"], 2)):
        call = [sys.executable, "-m", "sentiment_lstm", *arguments]
        done = subprocess.run(call, capture_output=True, text=True)
        assert done.returncode == code, done.stderr
    assert "sentiment-lstm predict" in done.stderr


def test_train_evaluate_predict(run, reviews: Path):
    code, out, err = run("train", "--data", "reviews.csv", "--out", "runs/a", *TINY)
    assert (code, out) == (0, "")
    assert "Saved runs/a" in err
    code, out, _ = run("evaluate", "--model", "runs/a", "--json")
    values = json.loads(out)
    assert code == 0
    assert values["n"] == 4
    assert {"accuracy", "log_loss", "ece", "f1", "macro_recall"} <= values.keys()
    assert len(values["reliability"]) == 15
    assert values["coverage_curve"][0]["coverage"] == 1.0
    code, out, _ = run("evaluate", "--model", "runs/a")
    assert "accuracy" in out
    assert "abstaining below" in out
    code, out, err = run("train", "--resume", "runs/a")
    assert (code, out) == (0, "")
    assert "finished already" in err


def test_settings_come_from_file_options_and_set_in_this_order(run, reviews: Path, tmp_path: Path):
    (tmp_path / "mine.toml").write_text(
        "[training]\nseed = 3\nepochs = 9\n[model]\nhidden_size = 5\n"
    )
    options = ["--config", "mine.toml", "--seed", "4", *TINY, "--set", "model.hidden_size=6"]
    assert run("train", "--data", "reviews.csv", "--out", "r", *options)[0] == 0
    settings = json.loads((tmp_path / "r" / "settings.json").read_text())
    assert settings["training"]["seed"] == 4
    assert settings["training"]["epochs"] == 9
    assert settings["model"]["hidden_size"] == 6


def test_resume_takes_no_other_option(run, reviews: Path):
    assert run("train", "--data", "reviews.csv", "--out", "r", *TINY)[0] == 0
    code, _, err = run("train", "--resume", "r", "--data", "other.csv", "--seed", "3")
    assert_one_sentence(code, err, (2,))
    assert "--data, --seed" in err


def test_data_describes_a_source(run, reviews: Path):
    code, out, _ = run("data", "reviews.csv", "--json")
    assert code == 0
    values = json.loads(out)
    assert values["classes"] == {"bad": 20, "good": 20}
    assert values["rows"] == 40
    assert run("data", "reviews.csv")[0] == 0


def test_of_many_classes_the_commonest_are_counted(run, tmp_path: Path):
    rows = [f"text {n},{f'intent {n % 30}'}" for n in range(615)]
    (tmp_path / "intents.csv").write_text("\n".join(["text,label", *rows]))
    code, out, _ = run("data", "intents.csv")
    assert code == 0
    assert out.count("classes: intent") == 20
    assert "│ classes: 10 more (--json lists all) │ 200 " in out


def test_without_a_model_it_says_how_to_get_one(run, monkeypatch, tmp_path):
    monkeypatch.setattr("sentiment_lstm.finding.SHIPPED", tmp_path / "none")
    code, _, err = run("predict", "hello")
    assert_one_sentence(code, err)
    assert "quickstart" in err


def test_the_six_sentences_of_the_study_are_kept():
    assert len(SIX_SENTENCES) == 6
    assert SIX_SENTENCES[4] == "It was not bad at all."


def _csv(*lines: bytes) -> bytes:
    good = [b"fine film %d,good" % n for n in range(20)] + [
        b"poor film %d,bad" % n for n in range(20)
    ]
    return b"\n".join([b"text,label", *good, *lines, b""])


BAD_SOURCES = {
    "missing.csv": None,
    "column.csv": b"words,label\nhello,good\n",
    "one.csv": b"text,label\nhello,good\nbye,good\n",
    "empty.csv": b"",
    "header.csv": b"text,label\n",
    "truncated.parquet": b"PAR1\x15\x04\x15",
    "broken.jsonl": b'{"text": "a", \n{"text"\n',
    "archive.zip": b"PK\x03\x04 nothing",
    "unlabelled.csv": b"text,label\nhello,\nbye,\n",
}


@pytest.mark.parametrize("name", BAD_SOURCES)
def test_a_bad_source_is_one_sentence(run, tmp_path: Path, name: str):
    content = BAD_SOURCES[name]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    code, _, err = run("train", "--data", name, "--out", "r", *TINY)
    assert_one_sentence(code, err)
    assert not (tmp_path / "r" / "config.json").exists()


BAD_CALLS = {
    "a folder without reviews": ["train", "--data", ".", "--out", "r"],
    "labels that the map leaves out": [
        "train", "--data", "reviews.csv", "--out", "r", "--label-map", "1=good,0=bad",
    ],
    "an unknown preset": ["train", "--data", "reviews.csv", "--out", "r", "--preset", "huge"],
    "an unknown setting": ["train", "--data", "reviews.csv", "--out", "r", "--set", "model.size=3"],
    "a value that does not fit": [
        "train", "--data", "reviews.csv", "--out", "r", "--set", "model.hidden_size=many",
    ],
    "a value out of range": [
        "train", "--data", "reviews.csv", "--out", "r", "--set", "training.epochs=0",
    ],
    "a value without end": [
        "train", "--data", "reviews.csv", "--out", "r", "--set", "training.clip_norm=inf",
    ],
    "a seed beyond all bounds": [
        "train", "--data", "reviews.csv", "--out", "r", "--seed", "100000000000000000000000",
    ],
    "a model too large for any memory": [
        "train", "--data", "reviews.csv", "--out", "r", "--set", "model.hidden_size=1000000000",
    ],
    "a threshold for predict that is no probability": [
        "predict", "--model", "model", "--abstain-below", "1", "hello",
    ],
    "a threshold for evaluate that is no probability": [
        "evaluate", "--model", "model", "--data", "reviews.csv", "--abstain-below", "nan",
    ],
    "an empty model name": ["predict", "--model", "", "hello"],
    "no value": ["train", "--data", "reviews.csv", "--out", "r", "--set", "training.epochs"],
    "no folder": ["train", "--data", "reviews.csv"],
    "no such run": ["train", "--resume", "nowhere"],
    "no such settings file": ["train", "--config", "no.toml", "--out", "r"],
    "no such model": ["evaluate", "--model", "nowhere"],
    "no such split": ["evaluate", "--model", "model", "--data", "reviews.csv", "--split", "test"],
    "an unreachable hub name": ["train", "--data", "hf:no-one/nothing", "--out", "r"],
    "labels of another model": ["evaluate", "--model", "model", "--data", "reviews.csv"],
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_CALLS)
def test_a_bad_call_is_one_sentence(run, reviews: Path, model: Path, tmp_path: Path, case: str):
    shutil.rmtree(tmp_path / "empty", ignore_errors=True)
    code, _, err = run(*BAD_CALLS[case])
    assert_one_sentence(code, err)
    assert not (tmp_path / "r" / "settings.json").exists()  # no folder is left


def test_an_unreachable_kaggle_name_is_one_sentence(run, monkeypatch):
    def unreachable(*_: object, **__: object) -> str:
        raise ConnectionError("no route to host")

    kagglehub = pytest.importorskip("kagglehub")
    monkeypatch.setattr(kagglehub, "dataset_download", unreachable)
    code, _, err = run("train", "--data", "kaggle:no-one/nothing", "--out", "r")
    assert_one_sentence(code, err)


ROWS = {
    "an unmapped label": (b"so so,medium", "unmapped label"),
    "half a character": (b"half \xc3,good", "bad UTF-8"),
    "a line of 10 MB": (b"x" * 10_000_000 + b",good", "too long"),
}


@pytest.mark.parametrize("case", ROWS)
def test_a_bad_row_is_set_aside_or_refused(run, tmp_path: Path, case: str):
    line, reason = ROWS[case]
    (tmp_path / "rows.csv").write_bytes(_csv(line, b"a last one,good"))
    call = ["train", "--data", "rows.csv", "--label-map", "good=good,bad=bad", *TINY]
    code, _, err = run(*call, "--out", "r")
    assert code == 0
    assert reason in err
    (aside,) = map(json.loads, (tmp_path / "r" / "set_aside.jsonl").read_text().splitlines())
    assert (aside["line"], aside["reason"]) == (42, reason)
    code, _, err = run(*call, "--out", "strict", "--strict")
    assert_one_sentence(code, err, (1,))
    assert "42" in err


def test_broken_jsonl_lines_are_set_aside_or_refused(run, tmp_path: Path):
    good = [json.dumps({"text": f"film {n}", "label": ("a", "b")[n % 2]}) for n in range(40)]
    (tmp_path / "rows.jsonl").write_text("\n".join([*good, '{"text": "cut']))
    assert run("train", "--data", "rows.jsonl", "--out", "r", *TINY)[0] == 0
    code, _, err = run("train", "--data", "rows.jsonl", "--out", "s", "--strict", *TINY)
    assert_one_sentence(code, err, (1,))


def _damage_file(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def _damage_numbers(folder: Path) -> None:
    path = folder / "model.safetensors"
    weights = safetensors.numpy.load_file(path)
    weights["output.bias"][:] = np.nan
    safetensors.numpy.save_file(weights, path)


def _damage_version(folder: Path) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format_version": 99}))


@pytest.mark.parametrize("damage", [_damage_file, _damage_numbers, _damage_version])
def test_a_damaged_bundle_is_one_sentence(run, model: Path, damage):
    damage(model)
    code, _, err = run("predict", "--model", "model", "hello")
    assert_one_sentence(code, err, (1,))


def test_no_disk_space_for_a_checkpoint_is_one_sentence(run, reviews: Path, monkeypatch):
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    settings = "--set=training.checkpoint_seconds=0.000001"
    from sentiment_lstm.training import checkpoint

    write = checkpoint.write_atomically

    def write_to_full_disk(path: Path, data: bytes) -> None:
        with monkeypatch.context() as patch:
            patch.setattr("os.fsync", full)
            write(path, data)

    monkeypatch.setattr(checkpoint, "write_atomically", write_to_full_disk)
    code, _, err = run("train", "--data", "reviews.csv", "--out", "r", *TINY, settings)
    assert_one_sentence(code, err, (1,))
    assert "No space left" in err


def test_a_zip_of_a_csv_is_read(run, reviews: Path, tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "reviews.zip", "w") as archive:
        archive.write(reviews, "reviews.csv")
    assert run("data", "reviews.zip")[0] == 0


def test_an_unforeseen_error_is_short_unless_debugged(run, monkeypatch, model: Path):
    def fail(*_: object) -> None:
        raise RuntimeError("out of luck")

    monkeypatch.setattr("sentiment_lstm.api.SentimentClassifier.from_pretrained", fail)
    code, _, err = run("predict", "hello")
    assert code == 1
    assert err == "Error: RuntimeError('out of luck'); `sentiment-lstm --debug ...` shows where.\n"
    monkeypatch.setattr("sys.argv", ["sentiment-lstm", "--debug", "predict", "hello"])
    with pytest.raises(RuntimeError):
        main()


def test_messages_of_the_package_go_to_standard_error(run, monkeypatch, model: Path):
    def warn(*_: object) -> None:
        logging.getLogger("sentiment_lstm.api").warning("An %s name.", "old")
        raise UsageError("Expected a new name, found an old one.")

    monkeypatch.setattr("sentiment_lstm.api.SentimentClassifier.from_pretrained", warn)
    for _ in range(2):  # the second call also prints it once
        assert run("predict", "hello") == (
            2, "", "An old name.\nError: Expected a new name, found an old one.\n",
        )  # fmt: skip


def test_a_program_without_logging_sees_no_messages():
    code = "import logging, sentiment_lstm.api; assert not logging.root.handlers\n"
    code += "logging.getLogger('sentiment_lstm.api').warning('An old name.')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_a_missing_library_names_the_extra(run, monkeypatch, reviews: Path):
    """As after a plain `pip install`: a module that is None in `sys.modules` cannot be imported."""
    for name in [name for name in sys.modules if name.startswith("sentiment_lstm.training.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    code, _, err = run("train", "--data", "reviews.csv", "--out", "r", *TINY)
    assert_one_sentence(code, err, (1,))
    assert "torch" in err
    assert "'sentiment-lstm[train]'" in err


def test_a_training_starts_from_a_model_that_ships(run, reviews: Path):
    code, _, err = run("train", "--data", "reviews.csv", "--init", "tiny", "--out", "r", *TINY)
    assert code == 0, err
    settings = json.loads(Path("r/settings.json").read_text(encoding="utf-8"))
    assert Path(settings["training"]["init"]).is_absolute()
    code, _, err = run("train", "--data", "reviews.csv", "--init", "", "--out", "s", *TINY)
    assert_one_sentence(code, err, (1, 2))
    _, _, err = run("train", "--data", "reviews.csv", "--init", "huge", "--out", "s", *TINY)
    assert "huge" in err
    assert not Path("s").exists()
