"""Teachers are weighed on texts that none of them has learnt from."""

from pathlib import Path

import pytest
import teacher


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


def refusal(models: list[Path], capsys, folder: Path) -> str:
    """What the script says on ending."""
    arguments = [f"--model={model}" for model in models]
    with pytest.raises(SystemExit) as end:
        teacher.main([*arguments, "--out", str(folder / "labels.jsonl")])
    assert end.value.code == 2
    assert not (folder / "labels.jsonl").exists()
    return capsys.readouterr().err
