"""`benchmarks/own_data.py` on a made-up data set, which takes the name of a registered one."""

import csv
import json
from collections import Counter
from importlib.util import find_spec

import numpy as np
import own_data
import pyarrow as pa
import pytest
from own_data_systems import (
    FASTTEXT,
    LINEAR,
    LINEAR_THRESHOLDS,
    OURS,
    Measurement,
    System,
    fasttext,
    linear,
    linear_with_thresholds,
    ours,
)
from own_data_table import as_markdown, difference, over_best_rival, plot
from own_data_tasks import TASKS, Task, make_problem
from pyarrow import parquet

from sentiment_lstm.errors import TrainingError

WORDS = {"angry": "terrible awful", "glad": "lovely happy", "sad": "alone crying"}
CUT = Task("emotion-4", "data:emotion", per_class=4)


@pytest.fixture(autouse=True)
def data_folder(tmp_path, monkeypatch):
    """A data set of 90 and 30 texts of three classes, in place of `data:emotion`."""
    folder = tmp_path / "sets" / "emotion"
    folder.mkdir(parents=True)
    for split, size in (("train", 90), ("test", 30)):
        rows = [(n, *list(WORDS.items())[n % 3]) for n in range(size)]
        columns = {
            "text": [f"{words.split()[n % 2]}, number {n} of\n{split}" for n, _, words in rows],
            "label": [label for _, label, _ in rows],
        }
        parquet.write_table(pa.table(columns), folder / f"{split}.parquet")
    monkeypatch.setenv("SENTIMENT_LSTM_DATA", str(tmp_path / "sets"))


def measurement(right="11", seconds=1.0):
    accuracy = right.count("1") / len(right)
    return Measurement(accuracy, accuracy, 0.5, seconds, 2.0, right)


def test_a_cut_holds_texts_of_each_class_chosen_by_the_seed(tmp_path):
    first, again, other = (
        make_problem(CUT, seed, False, tmp_path / name)
        for seed, name in ((0, "a"), (0, "b"), (1, "c"))
    )
    assert Counter(first.train.labels) == dict.fromkeys(WORDS, 4)
    assert first.train == again.train != other.train
    assert len(first.test.texts) == 30
    assert first.test == other.test


def test_a_cut_may_be_a_number_of_texts_in_all(tmp_path):
    task = Task("emotion-20", "data:emotion", in_all=20)
    assert len(make_problem(task, 0, False, tmp_path / "a").train.texts) == 20


def test_the_files_hold_the_texts(tmp_path):
    problem = make_problem(CUT, 0, False, tmp_path / "a")
    with (tmp_path / "a" / "train.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["text"] for row in rows] == problem.train.texts
    assert [row["label"] for row in rows] == problem.train.labels


def test_developing_measures_on_a_fixed_part_of_the_training_texts(tmp_path):
    whole = Task("emotion", "data:emotion")
    first, second = (make_problem(whole, seed, True, tmp_path / str(seed)) for seed in (0, 1))
    cut = make_problem(CUT, 0, True, tmp_path / "cut")
    assert first.test == second.test == cut.test
    assert Counter(first.test.labels) == dict.fromkeys(WORDS, 6)
    assert not {*first.train.texts, *cut.train.texts} & {*first.test.texts}
    assert all("of\ntrain" in text for text in first.test.texts)


def test_every_task_has_a_name_of_its_own():
    assert len({task.name for task in TASKS}) == len(TASKS)


def test_the_linear_model_is_measured(tmp_path):
    problem = make_problem(CUT, 0, False, tmp_path / "a")
    figures = linear().measure(problem, tmp_path, 0.0)
    assert figures.accuracy > 0.9
    assert len(figures.right) == 30
    assert figures.accuracy == figures.right.count("1") / 30
    assert 0 < figures.megabytes < 1


@pytest.fixture
def moods(tmp_path):
    """A problem of texts with several labels or none."""
    folder = tmp_path / "sets" / "emotion"
    for split, size in (("train", 90), ("test", 30)):
        names = [[name for k, name in enumerate(WORDS) if n >> k & 1] for n in range(size)]
        texts = [f"{' '.join(WORDS[name] for name in row)} number {n} of {split}"
                 for n, row in enumerate(names)]  # fmt: skip
        parquet.write_table(pa.table({"text": texts, "moods": names}), folder / f"{split}.parquet")
    task = Task("moods", "data:emotion", label_column="moods", multi_label=True)
    return make_problem(task, 0, False, tmp_path / "moods")


def test_the_files_of_several_labels_join_them(moods, tmp_path):
    with (tmp_path / "moods" / "train.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows[:4]] == ["", "angry", "glad", "angry|glad"]
    assert moods.classes == sorted(WORDS)
    assert moods.targets(moods.train)[:4].sum(axis=1).tolist() == [0, 1, 1, 2]


def test_a_linear_model_for_each_label_is_measured(moods, tmp_path):
    for system in (linear(), linear_with_thresholds()):
        figures = system.measure(moods, tmp_path, 0.0)
        assert figures.macro_f1 > 0.9
        assert figures.accuracy == figures.right.count("1") / 30


@pytest.mark.slow
def test_ours_and_fasttext_give_several_labels(moods, tmp_path):
    figures = ours(OURS, "--set training.max_steps=30").measure(moods, tmp_path, 0.0)
    assert figures.macro_f1 > 0.8
    assert figures.accuracy == pytest.approx(figures.right.count("1") / 30)
    if find_spec("fasttext"):
        assert fasttext(autotuned=False).measure(moods, tmp_path, 0.0).macro_f1 > 0.8


@pytest.mark.slow
@pytest.mark.parametrize("autotuned", [False, True])
def test_fasttext_is_measured(tmp_path, monkeypatch, autotuned):
    pytest.importorskip("fasttext")
    monkeypatch.setattr("own_data_systems.LEAST_DURATION", 3)
    problem = make_problem(Task("emotion", "data:emotion"), 0, False, tmp_path / "a")
    figures = fasttext(autotuned).measure(problem, tmp_path, 1.0)
    assert 0.3 < figures.accuracy == figures.right.count("1") / 30
    assert figures.log_loss > 0


def test_fasttext_starts_again_after_a_failure(tmp_path, monkeypatch):
    answers, calls = [None, None, 2.5], []

    def run(folder, settings, timeout):
        calls.append((settings["seed"], settings["autotuneDuration"]))
        seconds = answers.pop(0)
        (folder / "probabilities.json").write_text(json.dumps([[0.5, 0.3, 0.2]] * 30))
        (folder / "model.bin").write_bytes(b"")
        return seconds

    monkeypatch.setattr("own_data_systems._run_fasttext", run)
    monkeypatch.setattr("own_data_systems.find_spec", lambda name: name)
    problem = make_problem(CUT, 1, False, tmp_path / "a")
    assert fasttext(autotuned=True).measure(problem, tmp_path, 20.0).seconds == 2.5
    assert calls == [(1, 20), (101, 20), (201, 40)]
    answers += [None] * 4
    with pytest.raises(TrainingError, match="found 4 failures"):
        fasttext(autotuned=True).measure(problem, tmp_path, 20.0)


def test_the_difference_is_paired():
    ours, rival = np.ones(100), np.array([0.0] * 10 + [1.0] * 90)
    compared = difference(ours, rival, LINEAR)
    assert compared.points == pytest.approx(10)
    assert 4 < compared.low < 10 < compared.high < 17
    assert difference(ours, ours, LINEAR).high == 0


def test_the_better_rival_is_the_more_accurate_one():
    results = {
        ("t", OURS): {0: measurement("1111")},
        ("t", LINEAR): {0: measurement("1000")},
        ("t", FASTTEXT): {0: measurement("1100"), 1: measurement("1101")},
    }
    compared = over_best_rival(results, "t", (LINEAR, FASTTEXT))
    assert compared.rival == FASTTEXT
    assert compared.points == pytest.approx(37.5)
    assert over_best_rival(results, "t", ()) is None


def test_the_table_has_means_and_spreads():
    results = {
        ("t", OURS): {0: measurement("11"), 1: measurement("10")},
        ("t", LINEAR): {0: measurement("10")},
    }
    table = as_markdown(results, ["t", "later"], [OURS, LINEAR], (LINEAR,))
    assert "| t | ours | 75.0 ± 25.0 |" in table
    assert "over linear |" in table
    assert "| t | linear | 50.0 | 50.0 | 0.500 | 1 | 2.0 |  |" in table
    assert "Mean accuracy over 1 tasks: ours 75.0, linear 50.0." in table
    assert plot(results, ["t", "later"], [OURS, LINEAR]).startswith(b"\x89PNG")


@pytest.fixture
def trained(monkeypatch):
    """Replaces the systems with two that only note their calls; a call listed in `fail` fails."""
    calls, fail = [], set()

    def system(name, **options):
        def measure(problem, folder, seconds):
            call = (name, problem.task.name, problem.seed, seconds)
            calls.append(call)
            if call[:3] in fail:
                raise TrainingError("no luck")
            return measurement(seconds=7.0)

        return System(name, measure, **options)

    systems = [
        system(OURS),
        system(LINEAR, is_seeded=False),
        system("fastText autotune", waits=True),
    ]
    monkeypatch.setattr(own_data, "systems", lambda options: systems)
    return calls, fail


def test_a_second_call_runs_only_what_is_missing(tmp_path, trained, capsys):
    calls, fail = trained
    arguments = ["--out", str(tmp_path / "out"), "--tasks", "emotion", "--seeds", "2"]
    fail.add((OURS, "emotion", 1))
    assert own_data.main(arguments) == 1
    assert calls == [
        (OURS, "emotion", 0, 0.0), (LINEAR, "emotion", 0, 7.0),
        ("fastText autotune", "emotion", 0, 7.0), (OURS, "emotion", 1, 0.0),
    ]  # fmt: skip
    assert "no luck" in capsys.readouterr().err
    calls.clear()
    fail.clear()
    assert own_data.main(arguments) == 0
    assert calls == [(OURS, "emotion", 1, 0.0), ("fastText autotune", "emotion", 1, 7.0)]
    assert {"results.jsonl", "table.md", "accuracy.png"} == {
        path.name for path in (tmp_path / "out").iterdir()
    }


def test_a_seed_without_effect_is_run_once(tmp_path, trained):
    calls, _ = trained
    own_data.main(["--out", str(tmp_path / "out"), "--tasks", "emotion", "emotion-16"])
    linear_calls = [call[1:3] for call in calls if call[0] == LINEAR]
    assert linear_calls == [("emotion", 0), ("emotion-16", 0), ("emotion-16", 1), ("emotion-16", 2)]


def test_developing_and_testing_are_kept_apart(tmp_path, trained):
    calls, _ = trained
    arguments = ["--out", str(tmp_path / "out"), "--tasks", "emotion", "--quick"]
    own_data.main(arguments)
    own_data.main([*arguments, "--dev"])
    assert len(calls) == 6
    lines = (tmp_path / "out" / "results.jsonl").read_text().splitlines()
    assert [json.loads(line)["part"] for line in lines] == ["test"] * 3 + ["dev"] * 3


def test_quick_takes_one_seed_and_neither_autotuning_nor_ablations(tmp_path, monkeypatch):
    ablation = ours("ours without dropout", "--set model.dropout=0")
    monkeypatch.setattr(own_data, "ABLATIONS", [ablation])
    quick, whole = (
        own_data.read_options(["--out", str(tmp_path), *more])
        for more in (["--quick", "--extra", "--set training.epochs=1"], [])
    )
    assert [system.name for system in own_data.systems(quick)] == [
        OURS, "ours --set training.epochs=1", LINEAR, FASTTEXT,
    ]  # fmt: skip
    assert [system.name for system in own_data.systems(whole)] == [
        OURS, "ours without dropout", LINEAR, LINEAR_THRESHOLDS, "fastText autotune",
    ]  # fmt: skip
    assert (quick.seeds, whole.seeds) == (1, 3)


@pytest.mark.slow
def test_the_command_is_trained_and_measured(tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ["--out", str(out), "--tasks", "emotion", "--quick", "--systems", "ours", "linear"]
    assert own_data.main([*arguments, "--extra", "--set training.epochs=1"]) == 0
    table = capsys.readouterr().out
    assert "| emotion | ours --set training.epochs=1 |" in table
    assert table == (out / "table.md").read_text() + "\n"
    assert len(list((out / "logs").iterdir())) == 2
