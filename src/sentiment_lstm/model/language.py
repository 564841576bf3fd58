"""A language model around a classifier's embedding and LSTM: it predicts each next token.

What it learns from text without labels is where a classifier may start (Dai & Le 2015). It shares
the classifier's own modules, so nothing is copied back. Knows token ids, nothing of text.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sentiment_lstm.model.classifier import LSTMClassifier
from sentiment_lstm.records import PAD_ID

_CHUNK = 2048
"""Tokens whose scores over the whole vocabulary are held at once."""


class LanguageModel(nn.Module):
    """Embedding -> LSTM layers -> linear -> the embedding again, as output weights.

    Output and input share one table (Press & Wolf 2017; Inan, Khosravi & Socher 2017).

    Args:
        classifier: whose embedding and forward layers are trained, with its dropout.
        counts: how often each token id stands in the training texts, [V].
        negatives: tokens drawn to compare with at each update, K.
    """

    shares: Tensor
    """Chance of each token to be drawn, [V]."""

    def __init__(self, classifier: LSTMClassifier, counts: Tensor, negatives: int) -> None:
        super().__init__()
        settings = classifier.settings
        self.embedding, self.ahead = classifier.embedding, classifier.ahead
        self.dropout, self.embedding_dropout = classifier.dropout, classifier.embedding_dropout
        self.project = nn.Linear(settings.hidden_size, settings.embedding_size)
        self.bias = nn.Parameter(torch.log(counts + 1.0) - torch.log(counts.sum()))
        # Rare tokens are drawn oftener than they occur (Mikolov et al. 2013); padding never.
        shares = (counts + 1.0) ** 0.75
        shares[PAD_ID] = 0.0
        self.register_buffer("shares", shares / shares.sum(), persistent=False)
        self.negatives = negatives

    def forward(self, ids: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Predict every token but the first from those before it.

        Args:
            ids: token ids, int64 [B, T], padded on the right.
            lengths: real tokens of each text, int64 [B].

        Returns:
            Nats of each of the N predicted tokens, [N], and whether it was guessed, [N]: while
            training, whether it outweighs the drawn tokens; else whether it scores highest of all.
        """
        predicted = torch.arange(1, ids.shape[1], device=ids.device) < lengths[:, None]
        guesses = self.project(self.dropout(self._states(ids[:, :-1])[predicted]))
        targets = ids[:, 1:][predicted]
        if self.training:
            return self._against_drawn(guesses, targets)
        parts = zip(torch.split(guesses, _CHUNK), torch.split(targets, _CHUNK), strict=True)
        losses, right = zip(*(self._against_all(g, t) for g, t in parts), strict=True)
        return torch.cat(losses), torch.cat(right)

    def _states(self, ids: Tensor) -> Tensor:
        x: Tensor = self.embedding_dropout(self.embedding(ids))
        for index, lstm in enumerate(self.ahead):
            x, _ = lstm(self.dropout(x) if index else x)
        return x

    def _against_drawn(self, guesses: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Sampled softmax (Jean et al. 2015): each score less the log of its chance to be drawn."""
        drawn = torch.multinomial(self.shares, self.negatives, replacement=True)
        drawn = torch.unique(drawn)
        others = F.linear(
            guesses, self.embedding(drawn), self.bias[drawn] - self._log_chance(drawn)
        )
        others = others.masked_fill_(drawn == targets[:, None], -torch.inf)
        own = (guesses * self.embedding(targets)).sum(1).float()
        own = own + self.bias[targets] - self._log_chance(targets)
        rest = others.float().logsumexp(1)
        return F.softplus(rest - own), own > rest

    def _against_all(self, guesses: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        scores = F.linear(guesses, self.embedding.weight, self.bias).float()
        losses = F.cross_entropy(scores, targets, reduction="none")
        return losses, scores.argmax(1) == targets

    def _log_chance(self, ids: Tensor) -> Tensor:
        """Log of the chance that a token is among K draws."""
        return torch.log(-torch.expm1(self.negatives * torch.log1p(-self.shares[ids])))
