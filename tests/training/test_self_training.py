"""A first model labels texts without labels, and a second one learns from all of them."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from tiny_runs import QUIET, Heard, interrupted_at, tiny, tiny_auto

from sentiment_lstm.bundle import RUN_SETTINGS, load_bundle
from sentiment_lstm.data.corpus import Corpus
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import DataError, TrainingError, UsageError
from sentiment_lstm.records import Example
from sentiment_lstm.settings import Settings, read_json
from sentiment_lstm.training import self_training
from sentiment_lstm.training.run import resume, train
from sentiment_lstm.training.self_training import LABELS, TEACHER, read_labels, texts_to_label
from sentiment_lstm.training.trials import digest_of


@pytest.fixture
def more(tmp_path: Path) -> str:
    """A source of 60 texts without labels."""
    path = tmp_path / "more.csv"
    rows = [f"number {n} and a {('lovely', 'awful')[n % 2]} quokka" for n in range(60)]
    path.write_text("text\n" + "\n".join(rows))
    return str(path)


def _auto(source: Path, more: str, **changes: object) -> Settings:
    return tiny_auto(source, language__sources=(more,), training__max_steps=12, **changes)


def test_auto_trains_twice_if_there_are_unlabelled_texts(
    csv_file: Path, more: str, tmp_path: Path
) -> None:
    heard = Heard()
    metrics = train(_auto(csv_file, more, training__trials=2), tmp_path / "run", heard)
    assert metrics["validation_accuracy"] > 0.9
    assert "60 texts without labels" in heard.sentences
    assert any(s.startswith("auto: ") and "unlabelled texts" in s for s in heard.sentences)
    chosen = read_json(tmp_path / "run" / RUN_SETTINGS)
    assert chosen.training.self_training
    assert chosen.language.epochs == 0
    bundle = load_bundle(tmp_path / "run")
    assert "quokka" in bundle.tokenizer.to_json()
    assert bundle.tokenizer.features is not None
    left = {path.name for path in (tmp_path / "run").rglob("*")}
    assert not left & {LABELS, TEACHER, "trials", "checkpoint.safetensors"}


@pytest.mark.parametrize("stage", ["first model", "second model", "last first model"])
@pytest.mark.parametrize("trials", [0, 2])
def test_a_resumed_run_ends_with_the_same_weights(
    csv_file: Path, more: str, tmp_path: Path, monkeypatch, stage: str, trials: int
) -> None:
    settings = _auto(csv_file, more, training__trials=trials)
    train(settings, tmp_path / "whole", QUIET)
    steps = {"first model": 5, "second model": 17, "last first model": 24 * trials + 5}
    made = []

    def is_here(_: object) -> bool:
        made.append(1)
        return len(made) == steps[stage]

    cut = tmp_path / "cut"
    interrupted_at(monkeypatch, train=lambda: train(settings, cut, QUIET), when=is_here)
    resume(cut, QUIET)
    whole, resumed = load_bundle(tmp_path / "whole"), load_bundle(cut)
    assert whole.config.temperature == resumed.config.temperature
    for name, weight in whole.weights.items():
        np.testing.assert_array_equal(resumed.weights[name], weight)


def test_a_kill_before_the_first_model_is_deleted_leaves_none(
    csv_file: Path, more: str, tmp_path: Path, monkeypatch
) -> None:
    remove = shutil.rmtree

    def killed(folder: Path, **options: bool) -> None:
        if Path(folder).name == TEACHER:
            raise KeyboardInterrupt
        remove(folder, **options)

    with monkeypatch.context() as context:
        context.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            train(_auto(csv_file, more, training__trials=0), tmp_path / "run", QUIET)
    assert (tmp_path / "run" / LABELS).exists()
    assert (tmp_path / "run" / TEACHER).exists()
    resume(tmp_path / "run", QUIET)
    assert not (tmp_path / "run" / TEACHER).exists()


@pytest.mark.parametrize("change", ["another text", "a text more", "a text less"])
@pytest.mark.parametrize("steps", [12, 17, 24, 25])
def test_unlabelled_texts_that_changed_are_refused(
    csv_file: Path, more: str, tmp_path: Path, monkeypatch, change: str, steps: int
) -> None:
    made = []

    def is_here(_: object) -> bool:
        made.append(1)
        return len(made) == steps

    settings, run = _auto(csv_file, more, training__trials=2), tmp_path / "run"
    interrupted_at(monkeypatch, train=lambda: train(settings, run, QUIET), when=is_here)
    lines = Path(more).read_text().splitlines()
    changed = {
        "another text": [*lines[:-1], "number 59 and a lovely quokka"],
        "a text more": [*lines, "number 60 and a lovely quokka"],
        "a text less": lines[:-1],
    }
    Path(more).write_text("\n".join(changed[change]))
    with pytest.raises(TrainingError, match="Expected the texts that the run in"):
        resume(run, QUIET)


def test_the_unlabelled_texts_change_the_model(csv_file: Path, more: str, tmp_path: Path) -> None:
    settings = _auto(csv_file, more, training__trials=0, text__kind="word")
    train(settings, tmp_path / "with", QUIET)
    without = settings.updated({"language.sources": ()})
    train(without, tmp_path / "without", QUIET)
    assert not read_json(tmp_path / "without" / RUN_SETTINGS).training.self_training
    first, second = (load_bundle(tmp_path / name).weights for name in ("with", "without"))
    assert first["output.bias"].tolist() != second["output.bias"].tolist()


def test_a_given_language_stage_stays(csv_file: Path, more: str, tmp_path: Path) -> None:
    settings = _auto(csv_file, more, training__trials=0, language__epochs=1)
    train(settings, tmp_path / "run", QUIET)
    chosen = read_json(tmp_path / "run" / RUN_SETTINGS)
    assert (chosen.training.self_training, chosen.language.epochs) == (False, 1)
    assert (tmp_path / "run" / "language").is_dir()


def test_a_run_without_auto_and_without_a_wide_path(
    csv_file: Path, more: str, tmp_path: Path
) -> None:
    changes = {"training__self_training": True, "language__sources": (more,)}
    metrics = train(tiny(csv_file, **changes), tmp_path / "run", QUIET)
    assert metrics["validation_accuracy"] > 0.8


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training__self_training": True}, "add --unlabelled"),
        ({"language__sources": ("more.csv",)}, r"set language\.epochs or training\.self_training"),
        (
            {
                "training__self_training": True,
                "language__sources": ("more.csv",),
                "data__streaming": True,
            },
            "found --streaming",
        ),
    ],
)
def test_wrong_settings_are_refused(csv_file: Path, tmp_path: Path, changes, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        train(tiny(csv_file, **changes), tmp_path / "run", QUIET)
    assert not (tmp_path / "run").exists()


EXAMPLES = [Example(f"text {n}", "ab"[n % 2], str(n)) for n in range(20)]
CORPUS = Corpus(("a", "b"), EXAMPLES[:15], EXAMPLES[15:], False, {})


def _settings(source: Path) -> Settings:
    return tiny("imdb", training__self_training=True, language__sources=(str(source),))


def test_texts_of_the_corpus_and_bad_rows_are_left_out(tmp_path: Path) -> None:
    source = tmp_path / "more.csv"
    source.write_text('text\ntext 3\nnew\ntext 17\n""\nnew\nnewer\n')
    set_aside, heard = SetAside(None), Heard()
    texts = texts_to_label(_settings(source), CORPUS, set_aside, heard)
    assert [example.text for example in texts] == ["new", "newer"]
    assert heard.sentences == ["2 texts without labels"]
    assert set_aside.total == 1
    source.write_text("text\ntext 3\n")
    with pytest.raises(DataError, match="Expected unlabelled texts besides the labelled ones"):
        texts_to_label(_settings(source), CORPUS, SetAside(None), Heard())
    assert texts_to_label(Settings(), CORPUS, SetAside(None), Heard()) == []


def test_of_very_many_texts_the_seed_chooses(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(self_training, "_MOST_TEXTS", 30)
    source = tmp_path / "more.csv"
    source.write_text("text\n" + "\n".join(f"new {n}" for n in range(100)))
    heard = Heard()

    def chosen(seed: int) -> list[int]:
        settings = _settings(source).updated({"training.seed": seed})
        texts = texts_to_label(settings, CORPUS, SetAside(None), heard)
        return [int(example.text.removeprefix("new ")) for example in texts]

    first = chosen(0)
    assert len(set(first)) == 30
    assert first == sorted(first) == chosen(0)
    assert first != chosen(1)
    assert heard.sentences[0] == "30 of 100 texts without labels are used"


def test_labels_are_soft_and_improbable_classes_are_left_out(tmp_path: Path) -> None:
    scores = np.array([[0.6, 0.38, 0.02], [0.01, 0.01, 0.98]])
    unlabelled = [replace(example, label=None) for example in EXAMPLES[:2]]
    arrays = {**self_training._as_arrays(scores), "texts": digest_of(unlabelled)}
    save_file(arrays, tmp_path / LABELS)
    first, second = read_labels(unlabelled, ("a", "b", "c"), tmp_path)
    assert (first.text, first.label, second.label) == ("text 0", "a", "c")
    assert first.class_probabilities == pytest.approx({"a": 0.6 / 0.98, "b": 0.38 / 0.98})
    assert second.class_probabilities == {"c": 1.0}
    even = self_training._as_arrays(np.full((1, 200), 1 / 200))
    assert len(even["classes"]) == 200


@pytest.mark.parametrize("balanced", [False, True])
def test_both_parts_of_the_first_model_have_the_same_class_weights(
    csv_file: Path, more: str, tmp_path: Path, monkeypatch, balanced: bool
) -> None:
    seen, original = [], self_training.wide_logits

    def noted(*arguments, is_balanced: bool):
        seen.append(is_balanced)
        return original(*arguments, is_balanced=is_balanced)

    monkeypatch.setattr(self_training, "wide_logits", noted)
    settings = _auto(csv_file, more, training__trials=0, training__class_weights=balanced)
    train(settings, tmp_path / "run", QUIET)
    assert seen == [balanced]
