from pathlib import Path

import pytest
import torch

from sentiment_lstm.errors import SentimentError, TrainingError
from sentiment_lstm.training import checkpoint


def test_tensors_and_values_are_read_back(tmp_path: Path):
    path = tmp_path / checkpoint.FILE
    tensors = {"a": torch.arange(6.0).reshape(2, 3).T, "b": torch.tensor(3)}
    checkpoint.save_checkpoint(path, tensors, {"step": 7, "loss": float("inf")})
    loaded, facts = checkpoint.load_checkpoint(path)
    assert loaded.keys() == tensors.keys()
    assert all(torch.equal(loaded[name], tensors[name]) for name in tensors)
    assert facts == {"step": 7, "loss": float("inf")}


def test_a_damaged_file_is_one_sentence(tmp_path: Path):
    path = tmp_path / checkpoint.FILE
    path.write_bytes(b"\x10\0\0\0\0\0\0\0 not a header")
    with pytest.raises(TrainingError, match="delete it and resume"):
        checkpoint.load_checkpoint(path)


def test_a_full_disk_keeps_the_earlier_checkpoint(tmp_path: Path, monkeypatch):
    path = tmp_path / checkpoint.FILE
    checkpoint.save_checkpoint(path, {"a": torch.zeros(1)}, {"step": 1})

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(SentimentError, match="No space left"):
        checkpoint.save_checkpoint(path, {"a": torch.ones(1)}, {"step": 2})
    assert checkpoint.load_checkpoint(path)[1] == {"step": 1}
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
