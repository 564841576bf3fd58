"""A classifier of few weights, and texts of random ids."""

import torch
from torch import Tensor

from sentiment_lstm.model.classifier import LSTMClassifier
from sentiment_lstm.records import PAD_ID
from sentiment_lstm.settings import ModelSettings

VOCABULARY = 11


def build(pooling="last", both=False, layers=2, classes=2, dropout=0.5) -> LSTMClassifier:
    torch.manual_seed(0)
    shape = ModelSettings(
        embedding_size=4,
        hidden_size=3,
        layers=layers,
        bidirectional=both,
        pooling=pooling,
        dropout=dropout,
    )
    return LSTMClassifier(shape, VOCABULARY, classes).eval()


def texts(*lengths: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randint(1, VOCABULARY, (n,), generator=generator) for n in lengths]


def pad(rows: list[Tensor], width: int, filler: int = PAD_ID) -> tuple[Tensor, Tensor]:
    ids = torch.full((len(rows), width), filler)
    for row, text in zip(ids, rows, strict=True):
        row[: len(text)] = text
    return ids, torch.tensor([len(text) for text in rows])


def full(ids: Tensor) -> Tensor:
    """Return the lengths of texts without padding."""
    return torch.full((ids.shape[0],), ids.shape[1])
