"""What an LSTM did inside while it read a text: its gates, how far its state moved at each token,
and which words its embedding holds for near.

In NumPy from a bundle's weights; only the running score is the runtime's. Knows no pictures.
Shapes: T tokens, H hidden, V vocabulary, E embedding.
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
"""Of a text: beyond it no picture can be read, and gates take 12 kB a token and layer."""


@dataclass(frozen=True, slots=True)
class Inside:
    """A text as the network read it.

    `ids`: int32 [T]. `steps`: the T tokens with the running probability. `layers`: the gates of
    each layer.
    """

    text: str
    ids: NDArray[np.int32]
    steps: Sequence[Step]
    layers: Sequence[Gates]


def read_inside(bundle: Bundle, predictor: Predictor, text: str) -> Inside:
    """Read a text and keep what the network did at each token.

    Args:
        bundle: the model, whose weights give the gates.
        predictor: of the same model; it gives the running score.
        text: raw.

    Raises:
        UsageError: the model has two directions, or the text more than `MOST_TOKENS` tokens.
    """
    text = without_surrogates(text)
    (encoded,) = bundle.tokenizer.encode([text], offsets=True)
    if len(encoded.ids) > MOST_TOKENS:
        raise UsageError(
            f"Expected a text of at most {MOST_TOKENS:,} tokens to look inside, found "
            f"{len(encoded.ids):,}: give a part of it."
        )
    assert encoded.offsets is not None
    wide = encoded.offsets[:, 1] > encoded.offsets[:, 0]
    ids = encoded.ids[wide] if wide.any() else encoded.ids[:1]  # as `streaming` leaves them out
    steps = list(stream(predictor, text))
    assert len(steps) == len(ids)
    return Inside(text, ids, steps, gates(bundle.weights, ids))


def movement(layer: Gates) -> NDArray[np.float32]:
    """How far a layer's hidden state moved at each token: the norm of h_t - h_{t-1}, [T]."""
    moved: NDArray[np.float32] = np.linalg.norm(_steps(layer), axis=1)
    return moved


def most_moved(layer: Gates, count: int) -> NDArray[np.intp]:
    """The units whose hidden state moved most over a text, those that forget slowest first.

    Args:
        layer: the gates.
        count: how many units at most.
    """
    found = np.argsort(-np.abs(_steps(layer)).sum(axis=0), kind="stable")[:count]
    order: NDArray[np.intp] = found[np.argsort(-layer.half_life()[found], kind="stable")]
    return order


def _steps(layer: Gates) -> NDArray[np.float32]:
    return np.diff(layer.hidden, axis=0, prepend=np.zeros_like(layer.hidden[:1]))


class Embedding:
    """A bundle's embedding, asked which words stand near a word.

    A word is the text of a token; a subword within a word begins with three dots. So models of
    words and of subwords have names in common.
    """

    def __init__(self, bundle: Bundle) -> None:
        subwords = bundle.config.text.kind == "bpe"
        tokens = [bundle.tokenizer.token(id_) for id_ in range(len(bundle.tokenizer))]
        self._words = [_spelt(token) if subwords else token for token in tokens]
        self._ids = {word: id_ for id_, word in enumerate(self._words)}
        table = bundle.weights["embedding.weight"]
        norms = np.linalg.norm(table, axis=1, keepdims=True)
        self._directions = table / np.maximum(norms, 1e-12)

    def word(self, id_: int) -> str:
        """The name of a token id."""
        return self._words[id_]

    def nearest(self, word: str, count: int) -> list[tuple[str, float]] | None:
        """The words of the highest cosine with a word, from 1 down; None where it has no id.

        Args:
            word: as `word` names it.
            count: how many at most.
        """
        id_ = self._ids.get(word)
        if id_ is None:
            return None
        cosines = self._directions @ self._directions[id_]
        cosines[[PAD_ID, UNKNOWN_ID, id_]] = -np.inf
        best = np.argsort(-cosines, kind="stable")[:count]
        return [(self._words[i], float(cosines[i])) for i in best if np.isfinite(cosines[i])]


def _spelt(token: str) -> str:
    return token[1:] if token.startswith(WORD_START) and len(token) > 1 else f"…{token}"


@dataclass(frozen=True, slots=True)
class Neighbours:
    """A word of a text, its largest `change` of the running probability, and the words near it.

    `near` and `before`: words with their cosines, in the model and in the one before; `before` is
    None where there is no such model, or the word is none of its own.
    """

    word: str
    change: float
    near: Sequence[tuple[str, float]]
    before: Sequence[tuple[str, float]] | None


def neighbours(
    inside: Inside, now: Embedding, before: Embedding | None, words: int = 8, count: int = 6
) -> list[Neighbours]:
    """Neighbours of the words that moved the score most.

    Args:
        inside: the text as it was read.
        now: the model's embedding.
        before: an earlier model's.
        words: of the text, at most; what holds no letter is no word.
        count: neighbours of each.
    """
    changes: dict[str, float] = {}
    for id_, step in zip(inside.ids.tolist(), inside.steps, strict=True):
        word = now.word(id_)
        if id_ != UNKNOWN_ID and any(map(str.isalpha, word)):
            changes[word] = max(changes.get(word, 0.0), step.change, key=abs)
    moved = sorted(changes.items(), key=lambda pair: -abs(pair[1]))[:words]
    return [
        Neighbours(word, change, now.nearest(word, count) or [], _before(before, word, count))
        for word, change in moved
    ]


def _before(before: Embedding | None, word: str, count: int) -> list[tuple[str, float]] | None:
    return None if before is None else before.nearest(word, count)


def summary(layer: Gates) -> dict[str, Any]:
    """One layer in numbers: the mean forget gate, quantiles of its units' half-lives in tokens."""
    tenth, median, most = np.quantile(layer.half_life(), [0.1, 0.5, 0.9], method="nearest").tolist()
    return {
        "mean_forget_gate": float(layer.forget.mean()),
        "half_life": {"10%": tenth, "median": median, "90%": most},
        "movement": float(movement(layer).mean()),
    }


def to_dict(inside: Inside) -> dict[str, Any]:
    """The reading for programs: a number a token and layer, rather than one a unit."""
    moved = [movement(layer).tolist() for layer in inside.layers]
    forget = [layer.forget.mean(axis=1).tolist() for layer in inside.layers]
    tokens = [
        {
            "text": step.text,
            "start": step.start,
            "end": step.end,
            "probability": float(step.probabilities[-1]),
            "change": step.change,
            "forget": [values[place] for values in forget],
            "movement": [values[place] for values in moved],
        }
        for place, step in enumerate(inside.steps)
    ]
    last = inside.steps[-1]
    layers = [summary(layer) for layer in inside.layers]
    head = {"text": inside.text, "label": last.label, "score": last.score}
    return {**head, "layers": layers, "tokens": tokens}
