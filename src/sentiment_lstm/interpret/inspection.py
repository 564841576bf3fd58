"""What an LSTM does with one text: its gates, its hidden state, and the nearest words.

Gates come from a bundle's weights, in NumPy. The running score comes from the predictor. This file
draws nothing. Shapes: T tokens, H hidden size, V vocabulary, E embedding size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.bundle import Bundle
from sentiment_lstm.errors import UsageError
from sentiment_lstm.inference.predictor import Predictor
from sentiment_lstm.inference.streaming import Step, stream
from sentiment_lstm.interpret.gates import Gates, gates
from sentiment_lstm.records import PAD_ID, UNKNOWN_ID
from sentiment_lstm.text.cleaning import WORD_START, without_surrogates

MOST_TOKENS = 4_000
"""The longest text that can be inspected. Gates need 12 kB for each token and layer, and pictures
of longer texts are unreadable."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """A text and what the network did at each token.

    `ids`: token ids, int32 [T]. `steps`: T tokens with the running probability. `layers`: the gates
    of each layer.
    """

    text: str
    ids: NDArray[np.int32]
    steps: Sequence[Step]
    layers: Sequence[Gates]

    def to_dict(self) -> dict[str, Any]:
        """The inspection as JSON: one number for each token and layer, not for each unit."""
        state_changes = [measure_state_changes(layer).tolist() for layer in self.layers]
        forget_gates = [layer.forget.mean(axis=1).tolist() for layer in self.layers]
        tokens = [
            {
                "text": step.text,
                "start": step.start,
                "end": step.end,
                "probability": float(step.probabilities[-1]),
                "change": step.change,
                "forget": [values[index] for values in forget_gates],
                "movement": [values[index] for values in state_changes],
            }
            for index, step in enumerate(self.steps)
        ]
        last = self.steps[-1]
        layers = [summarize_layer(layer) for layer in self.layers]
        head = {"text": self.text, "label": last.label, "score": last.score}
        return {**head, "layers": layers, "tokens": tokens}


def inspect_text(bundle: Bundle, predictor: Predictor, text: str) -> Inspection:
    """Read a text and record what the network does at each token.

    Args:
        bundle: the model. Its weights give the gates.
        predictor: a predictor of the same model. It gives the running score.
        text: raw text.

    Raises:
        UsageError: the model has two directions, or the text more than `MOST_TOKENS` tokens.
    """
    text = without_surrogates(text)
    (encoded,) = bundle.tokenizer.encode([text], offsets=True)
    if len(encoded.ids) > MOST_TOKENS:
        raise UsageError(
            f"Expected a text of at most {MOST_TOKENS:,} tokens to inspect, found "
            f"{len(encoded.ids):,}; give a part of it."
        )
    assert encoded.offsets is not None
    # `stream` skips tokens without characters, so they are skipped here too.
    visible = encoded.offsets[:, 1] > encoded.offsets[:, 0]
    ids = encoded.ids[visible] if visible.any() else encoded.ids[:1]
    steps = list(stream(predictor, text))
    assert len(steps) == len(ids)
    return Inspection(text, ids, steps, gates(bundle.weights, ids))


def measure_state_changes(layer: Gates) -> NDArray[np.float32]:
    """How far the hidden state moves at each token: the norm of h_t - h_{t-1}, [T]."""
    changes: NDArray[np.float32] = np.linalg.norm(_state_differences(layer), axis=1)
    return changes


def select_active_units(layer: Gates, count: int) -> NDArray[np.intp]:
    """Indices of the units whose hidden state changes most over a text, longest half-life first.

    Args:
        layer: the gates of a layer.
        count: most units to return.
    """
    activity = np.abs(_state_differences(layer)).sum(axis=0)
    units = np.argsort(-activity, kind="stable")[:count]
    ordered: NDArray[np.intp] = units[np.argsort(-layer.half_life()[units], kind="stable")]
    return ordered


def _state_differences(layer: Gates) -> NDArray[np.float32]:
    """h_t - h_{t-1}, [T, H]. The state before the first token is zero."""
    return np.diff(layer.hidden, axis=0, prepend=np.zeros_like(layer.hidden[:1]))


def summarize_layer(layer: Gates) -> dict[str, Any]:
    """One layer in numbers: mean forget gate, quantiles of the half-lives in tokens, movement."""
    quantiles = np.quantile(layer.half_life(), [0.1, 0.5, 0.9], method="nearest").tolist()
    return {
        "mean_forget_gate": float(layer.forget.mean()),
        "half_life": dict(zip(("10%", "median", "90%"), quantiles, strict=True)),
        "movement": float(measure_state_changes(layer).mean()),
    }


class Embedding:
    """The embedding of a bundle: finds the nearest words of a word.

    A word is the text of a token. A subword inside a word begins with three dots. So models of
    words and models of subwords share many names.
    """

    def __init__(self, bundle: Bundle) -> None:
        subwords = bundle.config.text.kind == "bpe"
        tokens = [bundle.tokenizer.token(id_) for id_ in range(len(bundle.tokenizer))]
        self._words = [_spell(token) if subwords else token for token in tokens]
        self._ids = {word: id_ for id_, word in enumerate(self._words)}
        table = bundle.weights["embedding.weight"]
        norms = np.linalg.norm(table, axis=1, keepdims=True)
        self._directions = table / np.maximum(norms, 1e-12)

    def word(self, id_: int) -> str:
        """The word of a token id."""
        return self._words[id_]

    def nearest(self, word: str, count: int) -> list[tuple[str, float]] | None:
        """The words with the highest cosine to a word, highest first. None for an unknown word.

        Args:
            word: a name that `word` returns.
            count: most words to return.
        """
        id_ = self._ids.get(word)
        if id_ is None:
            return None
        cosines = self._directions @ self._directions[id_]
        cosines[[PAD_ID, UNKNOWN_ID, id_]] = -np.inf
        best = np.argsort(-cosines, kind="stable")[:count]
        return [(self._words[i], float(cosines[i])) for i in best if np.isfinite(cosines[i])]


def _spell(token: str) -> str:
    return token[1:] if token.startswith(WORD_START) and len(token) > 1 else f"…{token}"


@dataclass(frozen=True, slots=True)
class Neighbours:
    """A word of a text, how far it moved the score, and its nearest words.

    `change`: the word's largest change of the running probability. `near` and `before`: words with
    their cosines, in the model and in the earlier one. `before` is None if there is no earlier
    model or if that model does not know the word.
    """

    word: str
    change: float
    near: Sequence[tuple[str, float]]
    before: Sequence[tuple[str, float]] | None


def find_neighbours(
    inspection: Inspection,
    now: Embedding,
    before: Embedding | None,
    words: int = 8,
    count: int = 6,
) -> list[Neighbours]:
    """Find the nearest words of the words that moved the score most.

    Args:
        inspection: a text and what the network did.
        now: the model's embedding.
        before: an earlier model's embedding.
        words: most words of the text to look up. Tokens without a letter are skipped.
        count: the number of nearest words for each.
    """
    changes: dict[str, float] = {}
    for id_, step in zip(inspection.ids.tolist(), inspection.steps, strict=True):
        word = now.word(id_)
        if id_ != UNKNOWN_ID and any(map(str.isalpha, word)):
            changes[word] = max(changes.get(word, 0.0), step.change, key=abs)
    strongest = sorted(changes.items(), key=lambda pair: -abs(pair[1]))[:words]
    return [
        Neighbours(
            word=word,
            change=change,
            near=now.nearest(word, count) or [],
            before=None if before is None else before.nearest(word, count),
        )
        for word, change in strongest
    ]
