import json
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from pathlib import Path

import numpy as np
import pytest
import torch
from small_estimator import LABELS, TEXTS
from tiny_runs import QUIET, Heard

import sentiment_lstm
from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import load_bundle, save_bundle
from sentiment_lstm.errors import DataError, UsageError
from sentiment_lstm.finding import find_start
from sentiment_lstm.fitting import train
from sentiment_lstm.interrupts import Interrupted
from sentiment_lstm.settings import Settings
from sentiment_lstm.training.listener import Listener

SETTINGS = {
    "text.min_frequency": 1,
    "model.embedding_size": 8,
    "model.hidden_size": 8,
    "model.layers": 1,
    "training.batch_tokens": 200,
    "training.learning_rate": 0.05,
    "training.epochs": 4,
}
OPTIONS = {"preset": "seed", "settings": SETTINGS, "seed": 0, "threads": 1, "listener": QUIET}


def fitted(texts=TEXTS, labels=LABELS, **options) -> SentimentClassifier:
    return train(texts, labels, **{**OPTIONS, **options})


def write(path: Path, **columns) -> str:
    rows = zip(*columns.values(), strict=True)
    lines = [json.dumps(dict(zip(columns, map(str, row), strict=True))) for row in rows]
    path.write_text("\n".join(lines))
    return str(path)


def test_python_trains_in_one_process(monkeypatch):
    launch = {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}
    for name, value in launch.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=r"Expected one process with train in Python, found 2"):
        fitted()


def test_importing_the_package_loads_neither_torch_nor_scikit_learn():
    code = "import sys, sentiment_lstm\nsentiment_lstm.train\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "sklearn"} & set(run.stdout.split())
    assert sentiment_lstm.train is train


def test_texts_in_memory_give_the_weights_of_a_file_bit_for_bit(tmp_path):
    path = write(tmp_path / "texts.jsonl", text=TEXTS, label=LABELS)
    in_memory, of_file = fitted(), fitted(path, None)
    assert in_memory.classes_ == of_file.classes_ == ["bad", "good", "neutral"]
    assert np.array_equal(in_memory.predict_proba(TEXTS), of_file.predict_proba(TEXTS))
    assert in_memory.predict(TEXTS[:3]) == LABELS[:3].tolist()


def test_nothing_stays_of_texts_in_memory(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    classifier = fitted()
    assert not list(tmp_path.iterdir())
    provenance = classifier.bundle.config.provenance
    assert provenance["settings"]["data"]["source"] == "given_texts.jsonl"
    assert [source["source"] for source in provenance["sources"]] == ["given_texts.jsonl"]
    assert str(tmp_path) not in json.dumps(provenance)
    classifier.save_pretrained(tmp_path / "films")
    card = (tmp_path / "films" / "README.md").read_text()
    assert "# films" in card
    assert "Trained on texts given in Python (81)." in card
    assert "given_texts" not in card
    saved = SentimentClassifier.from_pretrained(tmp_path / "films", threads=1)
    assert np.array_equal(saved.predict_proba(TEXTS), classifier.predict_proba(TEXTS))


def test_a_run_folder_holds_the_texts_only_while_it_needs_them(tmp_path):
    seen = []

    class Looks(Listener):
        def on_epoch(self, numbers):
            seen.append((tmp_path / "run" / "given_texts.jsonl").exists())

    fitted(out=tmp_path / "run", listener=Looks())
    assert seen == [True] * 4
    assert not list((tmp_path / "run").glob("given_*"))
    assert load_bundle(tmp_path / "run").metrics["epochs"] == 4


def test_a_file_in_the_way_stays(tmp_path):
    own = tmp_path / "given_texts.jsonl"
    own.write_text("mine")
    with pytest.raises(UsageError, match=r"found given_texts\.jsonl in "):
        fitted(out=tmp_path)
    assert own.read_text() == "mine"


def test_a_source_of_that_name_stays(tmp_path):
    source = write(tmp_path / "given_texts.jsonl", text=TEXTS, label=LABELS)
    fitted(source, None, out=tmp_path / "run")
    assert Path(source).exists()


def test_texts_that_cannot_be_used_leave_no_folder(tmp_path):
    with pytest.raises(DataError):
        fitted(["same"] * 4, ["a", "b"] * 2, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "several",
    [
        [["bad", "long"], ["good"], []] * 30,
        np.array([[1, 0, 1], [0, 1, 0], [0, 0, 0]] * 30),
    ],
    ids=["lists", "matrix"],
)
def test_a_text_may_have_several_labels(several):
    classifier = fitted(labels=several, multi_label=True)
    assert classifier.thresholds_ is not None
    names = ["bad", "good", "long"] if isinstance(several, list) else ["0", "1", "2"]
    assert classifier.classes_ == names
    assert classifier.bundle.config.provenance["screening"]["without a label"] == 30


def test_weights_are_those_of_a_column(tmp_path):
    weights = np.where(LABELS == "bad", 3.0, 0.5)
    path = write(tmp_path / "texts.jsonl", text=TEXTS, label=LABELS, w=weights)
    of_file = fitted(path, None, settings={**SETTINGS, "data.weight_column": "w"})
    in_memory = fitted(sample_weight=weights)
    assert np.array_equal(in_memory.predict_proba(TEXTS), of_file.predict_proba(TEXTS))
    assert not np.array_equal(in_memory.predict_proba(TEXTS), fitted().predict_proba(TEXTS))


def test_unlabelled_texts_are_a_list_or_a_source(tmp_path):
    more = [f"{word} book number {n}" for n in range(9) for word in ("awful", "lovely")]
    settings = {**SETTINGS, "training.epochs": 1}
    language = {"language.epochs": 1, "language.negatives": 8}
    by_model = {"training.self_training": True}
    path = write(tmp_path / "more.jsonl", text=more)
    for use in (language, by_model):
        chosen = {**settings, **use}
        given = [fitted(unlabelled=extra, settings=chosen) for extra in (more, path)]
        assert np.array_equal(*(each.predict_proba(more) for each in given))
        without = fitted(settings={**settings, "language.epochs": 0})
        assert not np.array_equal(given[0].predict_proba(more), without.predict_proba(more))


def test_auto_looks_at_texts_in_memory(tmp_path):
    heard = Heard()
    settings = {**SETTINGS, "training.trials": 2, "model.wide_features": 50}
    classifier = train(
        TEXTS, LABELS, settings=settings, seed=0, threads=1, listener=heard, out=tmp_path / "run"
    )
    assert any(sentence.startswith("auto: 90 texts") for sentence in heard.sentences)
    assert classifier.bundle.config.provenance["texts"] == 90
    assert not (tmp_path / "run" / "trials").exists()


def test_a_training_starts_from_a_model(tmp_path):
    first = fitted(out=tmp_path / "first")
    more = fitted(start=tmp_path / "first", settings={"training.epochs": 1})
    assert more.bundle.config.provenance["started_from"]["name"] == "first"
    assert more.bundle.config.model == first.bundle.config.model
    assert find_start("english").name == "english"


def test_a_start_is_found_again_from_another_folder(tmp_path, monkeypatch, bundle):
    folder = tmp_path / "copy"
    save_bundle(folder, bundle)
    monkeypatch.chdir(tmp_path)
    assert find_start("copy") == folder
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert find_start("../copy") == folder


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": None}, "Expected labels with the texts, found none"),
        ({"resume": True}, "Expected out, the folder of a run, with resume=True, found none"),
        ({"texts": "data:emotion"}, "Expected texts in memory with labels"),
        ({"labels": ["a"]}, "found 1 label and 90 texts"),
        ({"labels": ["a"] * 90}, r"found one class \('a'\)"),
        ({"labels": [[]] * 90, "multi_label": True}, "at least two classes, found none"),
        ({"sample_weight": [0] * 90}, "found only weights of zero"),
        ({"unlabelled": [None]}, "found a missing value \\(None\\) at index 0"),
        ({"preset": "best"}, "Expected a preset among"),
        ({"settings": {"epochs": 1}}, "found 'epochs': use training.epochs, or"),
        (
            {"settings": {"training.epoch": 1}},
            "found 'training.epoch': use training.epochs, or another of",
        ),
        *[
            ({"settings": {name: "x"}}, f"found {name} in settings too: leave the setting out")
            for name in (
                "data.source",
                "data.text_column",
                "data.label_column",
                "data.weight_column",
                "data.multi_label",
            )
        ],
        (
            {"settings": {"language.sources": ["a.csv"]}, "unlabelled": ["b"]},
            "found language.sources in settings too",
        ),
        (
            {"texts": "a.csv", "labels": None, "settings": {"data.source": "b.csv"}},
            "found data.source in settings too",
        ),
        ({"settings": "quick"}, "Expected settings as a dict, found 'quick'"),
        ({"out": ""}, "Expected the name of a folder, found an empty string"),
        ({"settings": {3: 4}}, "Expected names of settings such as 'training.epochs', found 3"),
        (
            {"minutes": 1},
            "Expected preset auto with minutes, found fixed settings: leave preset out",
        ),
        ({"minutes": "long"}, "Expected a number of minutes, found 'long'"),
    ],
)
def test_arguments_that_do_not_fit(arguments, message):
    with pytest.raises(UsageError, match=message):
        fitted(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"texts": ["", " ", "fine"] * 30, "labels": ["a", "b", "c"] * 30},
            r"in the given texts, found c \(rows set aside: empty text: 60; the first: index 0\): "
            "give texts of another class as well",
        ),
        ({"texts": [""] * 4, "labels": ["a", "b"] * 2}, "all rows were set aside .* index 0"),
        (
            {"texts": ["a\0", *"bcde"], "labels": [*"ababa"], "settings": {"data.strict": True}},
            "NUL at index 0",
        ),
        ({"texts": ["same"] * 4, "labels": ["a", "b"] * 2}, "in the given texts, found a: give"),
        ({"unlabelled": [" "]}, "in the unlabelled texts, found none"),
    ],
)
def test_texts_that_cannot_be_used_are_named_as_in_python(arguments, message):
    options = {"labels": ["a", "b", "a"]} | arguments
    if "settings" in options:
        options["settings"] = {**SETTINGS, **options["settings"]}
    if "unlabelled" in options:
        options["labels"] = LABELS
    with pytest.raises(DataError, match=message) as raised:
        fitted(**options)
    assert not re.search(r"--|jsonl|/", str(raised.value))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0.5, 0.25] * 45, r"found 0.5 at index 0 \(Unknown label type: float\): give each class"),
        ([object(), "a"] * 45, r"at index 0 \(Unknown label type: object\)"),
        ([*LABELS[:-1], None], "Expected a label at index 89, found None"),
    ],
)
def test_labels_that_name_no_class_are_refused(labels, message):
    with pytest.raises(UsageError, match=message):
        fitted(labels=labels)


def test_notes_and_advice_are_in_the_words_of_python(tmp_path):
    heard = Heard()
    fitted([*TEXTS, ""], [*LABELS, "good"], listener=heard)
    assert "Rows set aside: 1 (empty text: 1)" in heard.sentences
    fitted(out=tmp_path / "run")
    again = (
        rf"continue it with train\(out='{tmp_path / 'run'}', resume=True\), or name another with"
    )
    with pytest.raises(UsageError, match=again):
        fitted(out=tmp_path / "run")


def test_verbose_chooses_what_is_shown(capsys):
    shown = {}
    for verbose in (None, 0, 1, 2):
        fitted(listener=None, verbose=verbose, settings=TRIALS)
        shown[verbose] = capsys.readouterr().err.splitlines()
    assert shown[0] == []
    assert len(shown[1]) == len(shown[None]) <= 5
    assert shown[1][0].startswith("81 texts to train on")
    assert shown[1][-1].startswith("Trained in ")
    assert sum(line.startswith("epoch ") for line in shown[2]) == 16
    assert "trial 1 of 3" in shown[2]
    heard = Heard()
    fitted(listener=heard, verbose=1)
    assert heard.sentences == capsys.readouterr().err.splitlines()[:-1]
    with pytest.raises(UsageError, match="Expected verbose to be 0, 1 or 2, found 'all'"):
        fitted(verbose="all")


def test_a_class_with_one_text_gives_a_warning():
    with pytest.warns(UserWarning, match=r"Classes with only one text: odd\. The model will"):
        fitted([*TEXTS, "one more film"], [*LABELS, "odd"])


def interrupt(after_epoch: int, number: signal.Signals = signal.SIGINT) -> Listener:
    class Interrupts(Listener):
        def on_epoch(self, numbers):
            if numbers["epoch"] == after_epoch:
                os.kill(os.getpid(), number)

    return Interrupts()


def test_ctrl_c_saves_the_state_and_the_run_goes_on_to_the_same_weights(tmp_path):
    with pytest.raises(KeyboardInterrupt, match=r"continue with train\(out='.*', resume=True\)"):
        fitted(out=tmp_path / "run", listener=interrupt(2))
    with pytest.raises(UsageError, match="began with, found others"):
        fitted(TEXTS[1:], LABELS[1:], out=tmp_path / "run", resume=True)
    resumed = train(out=tmp_path / "run", resume=True, listener=QUIET, threads=1)
    assert np.array_equal(resumed.predict_proba(TEXTS), fitted().predict_proba(TEXTS))
    assert not list((tmp_path / "run").glob("given_*"))
    again = fitted(out=tmp_path / "run", resume=True)
    assert np.array_equal(again.predict_proba(TEXTS), resumed.predict_proba(TEXTS))
    with pytest.raises(UsageError, match="began with, found others"):
        fitted(TEXTS[1:], LABELS[1:], out=tmp_path / "run", resume=True)


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize(
    ("others", "named"),
    [
        ({"seed": 7}, "training.seed"),
        ({"settings": {**SETTINGS, "training.epochs": 9}}, "training.epochs"),
        ({"preset": "quick"}, "preset"),
    ],
)
def test_a_run_is_not_resumed_with_other_settings(tmp_path, ended, others, named):
    if ended:
        fitted(out=tmp_path / "run")
    else:
        with pytest.raises(KeyboardInterrupt):
            fitted(out=tmp_path / "run", listener=interrupt(2))
    with pytest.raises(UsageError, match=f"found another value of {named}: leave it out"):
        fitted(out=tmp_path / "run", resume=True, **others)
    resumed = fitted(out=tmp_path / "run", resume=True)
    assert np.array_equal(resumed.predict_proba(TEXTS), fitted().predict_proba(TEXTS))


def test_a_run_of_auto_is_resumed_with_the_same_call(tmp_path):
    call = {"out": tmp_path / "run", "preset": "auto", "settings": {"training.max_steps": 4}}
    first = fitted(**call, threads=0)
    assert np.array_equal(
        fitted(**call, threads=0, resume=True).predict_proba(TEXTS), first.predict_proba(TEXTS)
    )
    with pytest.raises(UsageError, match="found another value of preset: leave it out"):
        fitted(**call | {"preset": "quick"}, threads=0, resume=True)


def test_a_run_that_starts_from_a_model_is_resumed_with_its_preset(tmp_path):
    fitted(out=tmp_path / "first")
    call = {"out": tmp_path / "run", "start": tmp_path / "first", "preset": "quick"}
    call |= {"settings": {"training.max_steps": 2, "training.embeddings": "random"}}
    assert fitted(**call).classes_ == fitted(**call, resume=True).classes_
    with pytest.raises(UsageError, match="found another value of preset: leave it out"):
        fitted(**call | {"preset": "seed"}, resume=True)


def test_a_run_of_label_sets_is_resumed_whatever_their_order(tmp_path):
    several = [["bad", "long"], ["good", "short"], ["long"]] * 30
    call = {"multi_label": True, "out": tmp_path / "run"}
    first = fitted(labels=[set(labels) for labels in several], **call)
    again = fitted(labels=[frozenset(reversed(labels)) for labels in several], **call, resume=True)
    assert np.array_equal(again.predict_proba(TEXTS), first.predict_proba(TEXTS))


def test_members_of_an_enum_of_strings_are_classes_of_their_values():
    mood = Enum("Mood", {"NEGATIVE": "bad", "POSITIVE": "good", "NEITHER": "neutral"}, type=str)
    moods = [mood(label) for label in LABELS]
    assert fitted(labels=moods).classes_ == ["bad", "good", "neutral"]
    sets = [{label} for label in moods]
    assert fitted(labels=sets, multi_label=True).classes_ == ["bad", "good", "neutral"]


def test_resume_begins_a_run_if_there_is_none(tmp_path):
    classifier = fitted(out=tmp_path / "run", resume=True)
    assert classifier.bundle.metrics["epochs"] == 4


def test_resume_completes_a_start_that_was_killed(tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    def killed(path, target):
        if target.name == "settings.json":
            raise Killed
        return rename(path, target)

    rename = Path.replace
    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(Killed):
        fitted(out=tmp_path / "run")
    monkeypatch.undo()
    assert not (tmp_path / "run" / "settings.json").exists()
    again = fitted(out=tmp_path / "run", resume=True)
    assert np.array_equal(again.predict_proba(TEXTS), fitted().predict_proba(TEXTS))


def test_resume_takes_a_setting_that_the_start_decides(tmp_path):
    fitted(out=tmp_path / "start")
    call = {"start": tmp_path / "start", "settings": {**SETTINGS, "model.hidden_size": 9}}
    first = fitted(out=tmp_path / "run", **call)
    again = fitted(out=tmp_path / "run", resume=True, **call)
    assert np.array_equal(again.predict_proba(TEXTS), first.predict_proba(TEXTS))
    wrong = {**call, "settings": {**SETTINGS, "model.hidden_size": "many"}}
    with pytest.raises(UsageError, match="hidden_size"):
        fitted(out=tmp_path / "run", resume=True, **wrong)


def test_the_command_resumes_a_run_of_texts_in_memory(tmp_path, run):
    with pytest.raises(KeyboardInterrupt):
        fitted(out=tmp_path / "run", listener=interrupt(2))
    code, _, err = run("train", "--resume", str(tmp_path / "run"))
    assert code == 0, err
    assert load_bundle(tmp_path / "run").metrics["epochs"] == 4


def test_ctrl_c_keeps_the_best_so_far_if_nothing_can_be_resumed():
    interrupted = fitted(listener=interrupt(2))
    assert interrupted.bundle.metrics["interrupted"] is True
    assert interrupted.bundle.metrics["epochs"] == 2
    two = fitted(settings={**SETTINGS, "training.epochs": 2})
    assert np.array_equal(interrupted.predict_proba(TEXTS), two.predict_proba(TEXTS))


TRIALS = {**SETTINGS, "training.trials": 3, "model.wide_features": 50, "training.keep": "last"}


@pytest.mark.parametrize("stage", [1, 2, 4])
def test_ctrl_c_in_a_trial_or_in_the_last_training(stage):
    class AtStage(Listener):
        stages = 0

        def on_start(self, started):
            self.stages += 1

        def on_epoch(self, numbers):
            if self.stages == stage and numbers["epoch"] == 3:
                os.kill(os.getpid(), signal.SIGINT)

    classifier = fitted(settings=TRIALS, listener=AtStage())
    metrics = classifier.bundle.metrics
    assert metrics["interrupted"] is True
    assert metrics["epochs"] == 3
    assert classifier.bundle.config.provenance["texts"] == (90 if stage == 4 else 60)
    assert np.mean(np.array(classifier.predict(TEXTS)) == LABELS) > 0.8


def test_ctrl_c_before_the_first_epoch_and_a_second_one_raise(monkeypatch):
    class AtOnce(Listener):
        def on_update(self, numbers):
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fitted(listener=AtOnce())

    def second(*_):
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("sentiment_lstm.training.stages.count_mistakes", second)
    with pytest.raises(KeyboardInterrupt):
        fitted(listener=interrupt(2))


def test_sigterm_does_what_it_did_before(tmp_path):
    received = []
    before = signal.signal(signal.SIGTERM, lambda *_: received.append("TERM"))
    try:
        with pytest.raises(Interrupted, match="SIGTERM"):
            fitted(out=tmp_path / "run", listener=interrupt(2, signal.SIGTERM))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert received == ["TERM"]
    assert (tmp_path / "run" / "checkpoint.safetensors").exists()


def test_a_training_in_another_thread_installs_no_handlers():
    results, handlers = [], []

    class Looks(Listener):
        def on_epoch(self, numbers):
            handlers.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=lambda: results.append(fitted(listener=Looks())))
    thread.start()
    thread.join()
    assert set(handlers) == {before}
    assert np.array_equal(results[0].predict_proba(TEXTS), fitted().predict_proba(TEXTS))


def test_trainings_in_threads_give_the_weights_of_one_alone():
    expected = fitted().predict_proba(TEXTS)
    before = torch.get_rng_state()
    with ThreadPoolExecutor(3) as pool:
        for classifier in pool.map(lambda _: fitted(), range(6)):
            assert np.array_equal(classifier.predict_proba(TEXTS), expected)
    assert torch.equal(torch.get_rng_state(), before)


def test_ctrl_c_ends_the_wait_for_another_training():
    begun, over = threading.Event(), threading.Event()

    class Waits(Listener):
        def on_start(self, stage):
            begun.set()
            over.wait(60)

    def interrupt_the_main_thread():
        time.sleep(0.3)  # the main thread waits by then
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # pytest-xdist may ignore it
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(fitted, listener=Waits())
        assert begun.wait(60)
        pool.submit(interrupt_the_main_thread)
        try:
            with pytest.raises(KeyboardInterrupt):
                fitted()
        finally:
            over.set()
            signal.signal(signal.SIGINT, before)
        assert first.result().classes_ == ["bad", "good", "neutral"]


def scores_of_a_training(threads):
    return fitted(threads=threads).predict_proba(TEXTS)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_process_trains_on_one_thread():
    """Also one that was forked while a thread trained."""

    class Forks(Listener):
        def on_epoch(self, numbers):
            if not scores:
                with multiprocessing.get_context("fork").Pool(1) as pool:
                    scores.append(pool.apply_async(scores_of_a_training, (2,)).get(timeout=60))

    scores = []
    thread = threading.Thread(target=lambda: fitted(threads=2, listener=Forks()))
    thread.start()
    thread.join()
    assert np.array_equal(scores[0], scores_of_a_training(1))


def test_torch_is_as_it_was_before():
    torch.manual_seed(3)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    fitted()
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_the_settings_of_the_command_and_of_train_are_the_same(tmp_path, run):
    path = write(tmp_path / "texts.jsonl", text=TEXTS, label=LABELS)
    sets = [word for name, value in SETTINGS.items() for word in ("--set", f"{name}={value}")]
    code, _, err = run("train", "--data", path, "--out", "run", "--threads", "1", *sets)
    assert code == 0, err
    train(path, out=tmp_path / "python", settings=SETTINGS, threads=1, listener=QUIET)
    by_command, by_python = (
        Settings.from_dict(json.loads((tmp_path / name / "settings.json").read_text()))
        for name in ("run", "python")
    )
    assert by_command == by_python
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("run", "python")]
    assert weights[0] == weights[1]


def test_ctrl_c_after_the_last_update_loses_no_model():
    class AtTheEnd(Listener):
        def on_saved(self, folder, metrics):
            os.kill(os.getpid(), signal.SIGINT)

    expected = fitted().predict_proba(TEXTS)
    assert np.array_equal(fitted(listener=AtTheEnd()).predict_proba(TEXTS), expected)


def test_sigterm_is_obeyed_without_a_folder_too():
    received = []
    before = signal.signal(signal.SIGTERM, lambda *_: received.append("TERM"))
    try:
        with pytest.raises(Interrupted, match="SIGTERM"):
            fitted(listener=interrupt(1, signal.SIGTERM))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert received == ["TERM"]


def test_a_run_is_not_resumed_with_other_unlabelled_texts(tmp_path):
    class AtOnce(Listener):
        def on_update(self, numbers):
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fitted(out=tmp_path / "run", unlabelled=TEXTS, listener=AtOnce())
    with pytest.raises(UsageError, match="found others"):
        fitted(out=tmp_path / "run", unlabelled=TEXTS[1:], resume=True)


def test_a_finished_run_is_not_resumed_with_other_unlabelled_texts(tmp_path):
    path = write(tmp_path / "more.jsonl", text=TEXTS)
    use = {**SETTINGS, "language.epochs": 1, "language.negatives": 8}
    for name, given, others in (("memory", TEXTS, TEXTS[1:]), ("file", path, "other.jsonl")):
        call = {"out": tmp_path / name, "settings": use, "resume": True}
        first = fitted(**call, unlabelled=given)
        again = fitted(**call, unlabelled=given)
        assert np.array_equal(first.predict_proba(TEXTS), again.predict_proba(TEXTS))
        with pytest.raises(UsageError, match=r"texts that the run in .* began with, found others"):
            fitted(**call, unlabelled=others)
    fitted(out=tmp_path / "without")
    with pytest.raises(UsageError, match=r"texts that the run in .* began with, found others"):
        fitted(out=tmp_path / "without", unlabelled=TEXTS, resume=True)


def test_a_finished_run_is_not_resumed_with_other_minutes(tmp_path):
    call = {"preset": "auto", "settings": {"training.max_steps": 4}, "resume": True, "threads": 0}
    call |= {"out": tmp_path / "run"}
    first = fitted(**call, minutes=0.01)
    again = fitted(**call, minutes=0.01)
    assert np.array_equal(first.predict_proba(TEXTS), again.predict_proba(TEXTS))
    with pytest.raises(UsageError, match="found another value of minutes: leave it out"):
        fitted(**call, minutes=2)
    fitted(out=tmp_path / "without")
    with pytest.raises(UsageError, match="found another value of minutes: leave it out"):
        fitted(out=tmp_path / "without", minutes=2, resume=True)


def test_threads_are_checked_before_the_training():
    assert fitted(threads=np.int64(1)).classes_
    with pytest.raises(UsageError, match="whole number of threads of at least 0, found '2'"):
        fitted(threads="2")


def test_a_finished_run_of_a_changed_file_is_not_resumed(tmp_path):
    path = write(tmp_path / "texts.jsonl", text=TEXTS, label=LABELS)
    call = {"texts": path, "labels": None, "out": tmp_path / "run", "resume": True}
    fitted(**call)
    fitted(**call)
    write(tmp_path / "texts.jsonl", text=TEXTS[::-1], label=LABELS[::-1])
    with pytest.raises(UsageError, match="Expected the texts that the run in"):
        fitted(**call)


def test_small_numbers_stay_after_a_training():
    fitted()
    assert np.float64(1e-310) * 1.0 > 0


def test_sigterm_leaves_no_texts_in_a_temporary_folder(tmp_path, monkeypatch):
    folders = []
    before = signal.signal(signal.SIGTERM, lambda *_: folders.append([*tmp_path.iterdir()]))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    try:
        with pytest.raises(Interrupted, match="SIGTERM"):
            fitted(listener=interrupt(1, signal.SIGTERM))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert folders == [[]]
