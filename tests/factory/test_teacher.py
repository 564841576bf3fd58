"""Teachers are weighed on texts that none of them has learnt from."""

import json
from pathlib import Path

import numpy as np
import pytest

from factory.teachers import document_vectors, teacher
from sentiment_lstm.records import Example


def test_teachers_that_kept_the_same_texts_give_the_settings_of_the_first(trained):
    models = [trained("one", data__weight=0.5), trained("other")]
    settings, corpus = teacher.shared_corpus(models)
    assert settings.data.weight == 0.5
    assert len(corpus.sample) + len(corpus.validation) == 40


@pytest.mark.parametrize("change", [{"training__seed": 1}, {"data__validation": 0.3}])
def test_teachers_that_kept_others_are_refused_in_one_sentence(trained, capsys, tmp_path, change):
    models = [trained("one"), trained("other", **change)]
    assert refusal(models, capsys, tmp_path).endswith("one split and one seed.\n")


def test_a_model_without_settings_or_none_at_all_is_one_sentence(model, capsys, tmp_path):
    assert "settings of its training" in refusal([model], capsys, tmp_path)
    assert "Expected" in refusal([tmp_path / "nothing"], capsys, tmp_path)


def test_texts_that_are_not_there_are_one_sentence(trained, capsys, tmp_path):
    arguments = ["--unlabelled", str(tmp_path / "none.csv")]
    assert "found nothing" in refusal([trained("one")], capsys, tmp_path, *arguments)


def test_all_teachers_together_label_every_text(trained, tmp_path, monkeypatch):
    model = trained("one")
    texts = [f"a film of {number} minutes" for number in range(12)]
    corpus = teacher.shared_corpus([model])[1]
    learn = document_vectors.vectors_of
    monkeypatch.setattr(document_vectors, "vectors_of", lambda texts: learn(texts, 2, 1))
    unlabelled = [Example(text, None, "") for text in texts]
    monkeypatch.setattr(document_vectors, "imdb", lambda: (corpus, unlabelled))
    vectors = tmp_path / "vectors.npz"
    document_vectors.main(["--out", str(vectors)])
    (tmp_path / "more.csv").write_text("\n".join(["text", *texts]))
    out = tmp_path / "labels.jsonl"
    arguments = ["--linear", f"--documents={vectors}", f"--unlabelled={tmp_path / 'more.csv'}"]
    assert teacher.main([f"--model={model}", *arguments, f"--out={out}"]) == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["text"] for row in rows] == texts
    assert all(0 <= row["label"] <= 1 for row in rows)
    assert len({row["label"] for row in rows}) > 1


def test_the_linear_teacher_says_the_same_each_time():
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, 40, (400, 12))
    texts = [" ".join(f"word{number}" for number in row) for row in drawn]
    positive = drawn.sum(axis=1) + rng.normal(0, 30, 400) > 234
    once, again = (teacher.linear(texts, positive)(texts) for _ in range(2))
    assert np.array_equal(once, again)


def refusal(models: list[Path], capsys, folder: Path, *more: str) -> str:
    """What the script says on ending."""
    arguments = [f"--model={model}" for model in models]
    with pytest.raises(SystemExit) as end:
        teacher.main([*arguments, *more, "--out", str(folder / "labels.jsonl")])
    assert end.value.code == 2
    assert not (folder / "labels.jsonl").exists()
    return capsys.readouterr().err
