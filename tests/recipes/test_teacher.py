"""Teachers are weighed on texts that none of them has learnt from."""

from dataclasses import replace
from pathlib import Path

import pytest
import teacher

from sentiment_lstm.bundle import save_bundle
from sentiment_lstm.errors import UsageError
from sentiment_lstm.settings import Settings


@pytest.fixture
def trained(bundle, tmp_path: Path):
    """Saves a model that was trained with a seed."""

    def save(seed: int) -> Path:
        settings = Settings().updated({"training.seed": seed}).to_dict()
        config = replace(bundle.config, provenance={"settings": settings})
        save_bundle(tmp_path / str(seed), replace(bundle, config=config))
        return tmp_path / str(seed)

    return save


def test_teachers_of_one_split_give_their_settings(trained):
    assert teacher.shared_settings([trained(3), trained(3)]).training.seed == 3


def test_teachers_of_other_splits_are_refused_in_one_sentence(trained, capsys):
    models = [trained(0), trained(1)]
    with pytest.raises(UsageError, match=r"found 2 .*one seed"):
        teacher.shared_settings(models)
    arguments = [f"--model={model}" for model in models]
    with pytest.raises(SystemExit):
        teacher.main([*arguments, "--out", "labels.jsonl"])
    assert "Traceback" not in capsys.readouterr().err
