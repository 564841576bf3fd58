"""The training loop of a usual notebook: what `train_speed.py` compares our training with."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from sentiment_lstm.batching import Window
from sentiment_lstm.records import PAD_ID


class NotebookNet(nn.Module):
    """Embedding, two LSTM layers, dropout, linear, sigmoid, as such notebooks write them."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, 128)
        self.lstm = nn.LSTM(128, 256, 2, batch_first=True, dropout=0.3)
        self.dropout = nn.Dropout(0.3)
        self.linear = nn.Linear(256, 1)

    def forward(self, ids: Tensor) -> Tensor:
        """Probabilities of the second class, [B], for ids padded on the left, [B, T]."""
        zeros = torch.zeros(2, len(ids), 256)
        out, _ = self.lstm(self.embedding(ids), (zeros, zeros))
        return torch.sigmoid(self.linear(self.dropout(out[:, -1]))).squeeze(1)


class Notebook:
    """The loop: batches of 64, each review padded on the left or cut to 250 tokens."""

    width = 250

    def __init__(self, training: Window, validation: Window, vocabulary: int) -> None:
        torch.manual_seed(0)
        self.training = DataLoader(self._dataset(training), batch_size=64, shuffle=True)
        self.validation = DataLoader(self._dataset(validation), batch_size=64)
        self.net = NotebookNet(vocabulary)
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=1e-3)
        self.criterion = nn.BCELoss()

    def epoch(self) -> Iterator[Tensor]:
        """Train on all reviews once; yields the ids [B, T] of each update when it is done."""
        for ids, labels in self.training:
            self.net.train()
            self.optimizer.zero_grad()
            self.criterion(self.net(ids), labels).backward()
            nn.utils.clip_grad_norm_(self.net.parameters(), 5)
            self.optimizer.step()
            yield ids

    @torch.no_grad()
    def accuracy(self) -> float:
        """The fraction of validation reviews that get the right label."""
        self.net.eval()
        right = [(self.net(ids) > 0.5) == (labels > 0.5) for ids, labels in self.validation]
        return float(torch.cat(right).float().mean())

    def _dataset(self, window: Window) -> TensorDataset:
        ids = np.full((len(window.ids), self.width), PAD_ID, dtype=np.int64)
        for row, text in zip(ids, window.ids, strict=True):
            kept = text[: self.width]
            row[self.width - len(kept) :] = kept
        labels = window.labels.astype(np.float32)
        return TensorDataset(torch.from_numpy(ids), torch.from_numpy(labels))
