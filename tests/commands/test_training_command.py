"""`train`: which preset it uses, what it says first and last, and what `evaluate` then refuses."""

import json
from pathlib import Path

import pytest

TINY = [
    "--threads=1", "--set=text.min_frequency=1", "--set=model.embedding_size=4",
    "--set=model.hidden_size=4", "--set=training.epochs=2",
]  # fmt: skip
TRAIN = ["train", "--data", "reviews.csv", "--out", "r"]


def _settings(folder: Path = Path("r")) -> dict:
    return json.loads((folder / "settings.json").read_text())


def test_labelled_texts_are_looked_at_first(run, reviews: Path):
    code, out, err = run(*TRAIN, *TINY)
    assert (code, out) == (0, "")
    lines = err.splitlines()
    assert lines[0].startswith("36 texts to train on, 4 to validate; 2 classes: bad, good")
    assert [line[:5] for line in lines[1:6]] == ["auto:"] * 5
    assert "40 texts of 3 words on average, 2 classes, 50% in the largest" in lines[1]
    assert "model.embedding_size is given" in lines[2]
    assert "2 passes" in lines[4]
    assert "4 trials calibrate, then train on all texts" in lines[5]
    saved = next(n for n, line in enumerate(lines) if line.startswith("Saved r: validation acc"))
    assert lines[-1].startswith("Linear baseline 100.0%")
    assert len(lines) - saved <= 4
    settings = _settings()
    assert settings["model"]["hidden_size"] == 4
    assert settings["training"]["epochs"] == 2
    assert "training.epochs" in settings["training"]["given"]
    code, _, err = run("train", "--resume", "r")
    assert (code, err) == (0, "The run in r is finished already.\n")


def test_a_model_that_learnt_nothing_is_warned_of(run, tmp_path: Path):
    rows = [f"word{n},{'good' if n % 5 else 'bad'}" for n in range(60)]
    (tmp_path / "reviews.csv").write_text("\n".join(["text,label", *rows]))
    code, _, err = run(*TRAIN, *TINY, "--set=training.max_steps=1", "--set=model.wide_features=0")
    assert code == 0
    assert "WARNING: the model is no better than always naming the largest class (80.0%)" in err


def test_settings_of_the_user_win_over_the_look(run, reviews: Path, tmp_path: Path):
    (tmp_path / "mine.toml").write_text(
        "[model]\ndropout = 0.25\nwide_features = 7\n[training]\ntrials = 2\nmax_steps = 3\n"
    )
    call = [*TRAIN, *TINY, "--config=mine.toml", "--set=training.trials=1", "--seed=5"]
    assert run(*call)[0] == 0
    settings = _settings()
    assert settings["model"]["dropout"] == 0.25
    assert settings["model"]["wide_features"] == 7
    assert settings["training"]["trials"] == 1
    assert settings["training"]["max_steps"] == 3
    assert settings["training"]["seed"] == 5


def test_old_names_of_settings_win_too(run, reviews: Path):
    old = ["--set=model.hidden=6", "--set=model.embedding=4", "--set=training.epochs=1"]
    assert run(*TRAIN, "--threads=1", *old)[0] == 0
    assert (_settings()["model"]["hidden_size"], _settings()["training"]["init"]) == (6, None)


def test_another_preset_does_not_look(run, reviews: Path):
    call = [*TRAIN, *TINY, "--preset=quick", "--set=training.embeddings=random"]
    code, _, err = run(*call)
    assert code == 0
    assert "auto:" not in err
    assert _settings()["model"]["wide_features"] == _settings()["training"]["trials"] == 0


def test_a_training_without_data_and_a_search_use_quick(run, reviews: Path, monkeypatch):
    from sentiment_lstm.commands import training

    used = []
    monkeypatch.setattr(training, "_train", lambda settings, *_: used.append(settings))
    monkeypatch.setattr(training, "_search", lambda settings, *_: used.append(settings))
    message = "Without --data, the training reads IMDb's film reviews.\n"
    assert run("train", "--out", "r") == (0, "", message)
    assert run(*TRAIN, "--search", "2") == (0, "", "")
    assert run(*TRAIN)[0] == 0
    assert run(*TRAIN, "--preset", "quick")[0] == 0
    assert [settings.training.auto for settings in used] == [False, False, True, False]
    assert used[0].training.given == ()


def test_a_search_with_preset_auto_is_refused(run, reviews: Path):
    pytest.importorskip("optuna")
    code, _, err = run(*TRAIN, "--search", "2", "--preset", "auto")
    assert code == 2
    assert "found preset auto: name preset quick, and" in err


@pytest.mark.parametrize("arguments", [[], ["--data", "reviews.csv"], ["--report", "page.html"]])
def test_texts_that_the_last_training_read_do_not_measure_it(run, reviews: Path, arguments):
    assert run(*TRAIN, *TINY)[0] == 0
    code, out, err = run("evaluate", "--model", "r", *arguments)
    assert (code, out) == (1, "")
    assert "was trained on all texts of reviews.csv: name others with --data SOURCE" in err
    assert "metrics.json holds the accuracy" in err
    assert err.count("\n") == 1
    assert not Path("page.html").exists()
    other = Path("other.csv")
    other.write_text("text,label\na lovely scene,good\nan awful scene,bad\n")
    assert run("evaluate", "--model", "r", "--data", "other.csv")[0] == 0


def test_texts_kept_for_validation_measure_a_training_without_trials(run, reviews: Path):
    assert run(*TRAIN, *TINY, "--set=training.trials=0")[0] == 0
    code, out, _ = run("evaluate", "--model", "r", "--json")
    assert code == 0
    metrics = json.loads(Path("r/metrics.json").read_text())
    values = json.loads(out)
    assert values["n"] == 4
    assert values["accuracy"] == metrics["validation_accuracy"]
    assert values["log_loss"] == pytest.approx(metrics["validation_calibrated_loss"], abs=2e-3)


def test_the_cards_say_which_texts_measured_the_model(run, reviews: Path):
    sentence = {"0": "kept out of training.", "4": "measured in trial trainings (4)"}
    for trials, expected in sentence.items():
        folder = f"r{trials}"
        call = [
            "train",
            "--data",
            "reviews.csv",
            "--out",
            folder,
            f"--set=training.trials={trials}",
        ]
        assert run(*call, *TINY)[0] == 0
        card = Path(folder, "README.md").read_text()
        assert expected in card
        assert "decided when to stop" not in card


def test_runs_with_trials_are_compared_by_their_own_numbers(run, reviews: Path):
    for trials in ("1", "4"):
        call = [
            "train",
            "--data",
            "reviews.csv",
            f"--out=r{trials}",
            f"--set=training.trials={trials}",
        ]
        assert run(*call, *TINY)[0] == 0
    code, _, err = run("compare", "r1", "r4")
    assert code == 0
    assert "did not keep the same texts for validation" in err
    code, _, err = run("compare", "r1", "r4", "--data", "reviews.csv")
    assert code == 1
    assert "was trained on all texts" in err


def test_minutes_compare_settings(run, reviews: Path):
    given = ["--set=training.trials=1", "--set=training.learning_rate=0.01"]
    code, out, err = run(*TRAIN, *TINY, *given, "--set=model.dropout=0.2", "--minutes=0.01")
    assert (code, out) == (0, "")
    assert "race: within 0.01 minutes other settings are compared with the choice of auto" in err
    assert "training.epochs is given, so the training takes longer" in err
    assert _settings()["training"]["auto"] is False
    assert run("train", "--config=r/settings.json", "--out=again")[0] == 0
    assert _settings(Path("again")) == _settings()


@pytest.mark.parametrize(
    "option", ["--preset=quick", "--config=mine.toml", "--search=2", "--streaming"]
)
def test_minutes_refuse_other_ways_to_choose(run, reviews: Path, option):
    Path("mine.toml").write_text("[training]\nepochs = 1\n")
    code, _, err = run(*TRAIN, option, "--minutes=1")
    assert code == 2
    assert f"Expected --minutes with preset auto and texts in memory, found {option[:8]}" in err
    assert not Path("r").exists()


def test_minutes_need_texts_and_time(run, reviews: Path):
    assert run("train", "--out=r", "--minutes=1")[0] == 2
    code, _, err = run(*TRAIN, "--minutes=0")
    assert code == 2
    assert "Expected more than 0 minutes for --minutes, found 0" in err
    code, _, err = run(*TRAIN, "--minutes=1", "--unlabelled=reviews.csv")
    assert code == 2
    assert "found texts without labels" in err
