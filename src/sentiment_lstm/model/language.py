"""A language model with a classifier's embedding and LSTM: it predicts each next token.

So a classifier can first learn from texts without labels (Dai & Le 2015). It trains the
classifier's own modules, so nothing has to be copied back. This file knows token ids, nothing
of text.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sentiment_lstm.model.classifier import LSTMClassifier
from sentiment_lstm.records import PAD_ID

_CHUNK = 2048
"""Tokens whose logits over the whole vocabulary are in memory at once."""


class LanguageModel(nn.Module):
    """Embedding -> LSTM layers -> linear -> output layer. The embedding is also the output weights.

    Tied weights: Press & Wolf 2017; Inan, Khosravi & Socher 2017.

    Args:
        classifier: its embedding and forward layers are trained, with its dropout.
        counts: how often each token id occurs in the training texts, [V].
        negatives: random tokens to compare with at each update, K.
    """

    probabilities: Tensor
    """The probability of each token in a draw, [V]."""

    def __init__(self, classifier: LSTMClassifier, counts: Tensor, negatives: int) -> None:
        super().__init__()
        settings = classifier.settings
        self.embedding, self.ahead = classifier.embedding, classifier.ahead
        self.dropout, self.embedding_dropout = classifier.dropout, classifier.embedding_dropout
        self.project = nn.Linear(settings.hidden_size, settings.embedding_size)
        self.bias = nn.Parameter(torch.log(counts + 1.0) - torch.log(counts.sum()))
        # Rare tokens are drawn more often than they occur (Mikolov et al. 2013). Padding never is.
        factors = (counts + 1.0) ** 0.75
        factors[PAD_ID] = 0.0
        self.register_buffer("probabilities", factors / factors.sum(), persistent=False)
        self.negatives = negatives

    def forward(self, ids: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Predict every token, except the first, from the tokens before it.

        Args:
            ids: token ids, int64 [B, T], padded on the right.
            lengths: tokens of each text without padding, int64 [B].

        Returns:
            The loss of each of the N predicted tokens in nats, [N], and whether it was predicted
            correctly, [N]: in training, if it is likelier than all drawn tokens together; else, if
            it is the likeliest token.
        """
        return self.losses(self._states(ids[:, :-1]), ids, lengths)

    def losses(self, states: Tensor, ids: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """As `forward`, from hidden states that the caller has computed.

        Args:
            states: hidden states of all tokens but the last, [B, T - 1, H].
            ids: as in `forward`.
            lengths: as in `forward`.
        """
        predicted = torch.arange(1, ids.shape[1], device=ids.device) < lengths[:, None]
        outputs = self.project(self.dropout(states[predicted]))
        targets = ids[:, 1:][predicted]
        if self.training:
            return self._against_drawn(outputs, targets)
        parts = zip(torch.split(outputs, _CHUNK), torch.split(targets, _CHUNK), strict=True)
        losses, right = zip(*(self._against_all(o, t) for o, t in parts), strict=True)
        return torch.cat(losses), torch.cat(right)

    def _states(self, ids: Tensor) -> Tensor:
        x: Tensor = self.embedding_dropout(self.embedding(ids))
        for index, lstm in enumerate(self.ahead):
            x, _ = lstm(self.dropout(x) if index else x)
        return x

    def _against_drawn(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Sampled softmax (Jean et al. 2015): logits minus the log of the probability of a draw."""
        drawn = torch.multinomial(self.probabilities, self.negatives, replacement=True)
        drawn = torch.unique(drawn)
        others = F.linear(outputs, self.embedding(drawn), self.bias[drawn] - self._log_drawn(drawn))
        others = others.masked_fill_(drawn == targets[:, None], -torch.inf)
        own = (outputs * self.embedding(targets)).sum(1).float()
        own = own + self.bias[targets] - self._log_drawn(targets)
        rest = others.float().logsumexp(1)
        return F.softplus(rest - own), own > rest

    def _against_all(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        logits = F.linear(outputs, self.embedding.weight, self.bias).float()
        losses = F.cross_entropy(logits, targets, reduction="none")
        return losses, logits.argmax(1) == targets

    def _log_drawn(self, ids: Tensor) -> Tensor:
        """Log of the probability that a token is among the K draws."""
        return torch.log(-torch.expm1(self.negatives * torch.log1p(-self.probabilities[ids])))
