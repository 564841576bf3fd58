import pytest

from sentiment_lstm.inference.predictor import Predictor, open_predictor
from sentiment_lstm.scoring import files


@pytest.fixture
def predictor(bundle) -> Predictor:
    return open_predictor(bundle)


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(files, "CHUNK", 2)
