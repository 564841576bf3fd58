r"""Train the language model that the English start is made of.

    python -m factory.english.language --config runs/factory/english/language.toml \
        --out runs/factory/english/language

It reads each third of IMDb's reviews together with all other texts. So film reviews are read once
and the other texts three times, in one pass with one schedule. An interrupted training continues
from its checkpoint.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from factory.english.texts import film_texts, other_texts
from sentiment_lstm.batching import Window, count_batches, lengths_of
from sentiment_lstm.bundle import Bundle, Config, is_bundle, save_bundle
from sentiment_lstm.errors import run_script
from sentiment_lstm.interrupts import Interrupted, Interrupts
from sentiment_lstm.model.language import LanguageModel
from sentiment_lstm.model.weights import to_arrays
from sentiment_lstm.setting_names import read_toml
from sentiment_lstm.settings import Settings
from sentiment_lstm.text.tokenizer import TextTokenizer
from sentiment_lstm.training.clock import Clock
from sentiment_lstm.training.display import Display
from sentiment_lstm.training.feed import Feed
from sentiment_lstm.training.hardware import prepare
from sentiment_lstm.training.loop import Trainer
from sentiment_lstm.training.objective import NextToken
from sentiment_lstm.training.pretraining import language_network, language_plan, pieces
from sentiment_lstm.training.session import Session

CLASSES = ("negative", "positive")
"""A bundle needs classes. The start has learnt none, and trainings replace them."""
_PARTS = 3
"""The film reviews are cut into this many parts. Each is read with all other texts."""
_VOCABULARY_FILMS = 12_000
"""Film reviews that the vocabulary is learnt from, besides all other texts."""
_HELD_OUT_FILMS, _HELD_OUT_OTHERS = 100, 1_500
"""Texts that only measure the loss."""
_MOST_HELD_OUT = 20
"""At most one text in this many is held out. It matters only for stand-ins."""


def train_language_model(settings: Settings, out: Path, interrupts: Interrupts) -> None:
    """Train, or continue a training, and save the bundle.

    Args:
        settings: the network, the vocabulary and the schedule. Nothing in them is `auto`.
        out: the folder of the bundle; before, of the checkpoint.
        interrupts: the signals of the stage.

    Raises:
        Interrupted: by a signal; the state at that moment is saved.
    """
    if is_bundle(out):
        return
    prepare(settings.training)
    tokenizer, feed = _feed(settings)
    torch.manual_seed(settings.training.seed)
    classifier = language_network(settings, len(tokenizer), len(CLASSES), None)
    counts = torch.from_numpy(token_counts(feed.windows(), len(tokenizer))).float()
    model = LanguageModel(classifier, counts, settings.language.negatives)
    trainer = Trainer(model, language_plan(settings), feed, NextToken())
    out.mkdir(parents=True, exist_ok=True)
    session = Session(trainer, out, out, interrupts, Display(), Clock())
    session.train()
    model.load_state_dict(trainer.best)
    config = Config(settings.model, settings.text, CLASSES)
    weights = to_arrays(classifier.state_dict())
    save_bundle(out, Bundle(config, tokenizer, weights, trainer.progress.best))
    session.path.unlink(missing_ok=True)


def _feed(settings: Settings) -> tuple[TextTokenizer, Feed]:
    """The tokenizer, learnt here, and all texts as one window for each part of the films."""
    rng = np.random.default_rng(settings.training.seed)
    films, others = _shuffled(film_texts(), rng), _shuffled(other_texts(), rng)
    tokenizer = TextTokenizer.learn([*films[:_VOCABULARY_FILMS], *others], settings.text)
    held_films = min(_HELD_OUT_FILMS, len(films) // _MOST_HELD_OUT)
    held_others = min(_HELD_OUT_OTHERS, len(others) // _MOST_HELD_OUT)

    def ids_of(texts: Sequence[str]) -> list[NDArray[np.int32]]:
        encoded = (each.ids for each in tokenizer.encode(texts))
        return pieces(encoded, settings.language.max_tokens)

    held_out = _window(ids_of([*others[:held_others], *films[:held_films]]))
    films, other_ids = films[held_films:], ids_of(others[held_others:])
    size = len(films) // _PARTS
    windows = [
        _window([*ids_of(films[part * size : (part + 1) * size]), *other_ids])
        for part in range(_PARTS)
    ]
    return tokenizer, Feed(lambda: windows, windows[0], held_out, _updates(windows, settings))


def _shuffled(texts: Sequence[str], rng: np.random.Generator) -> list[str]:
    return [texts[index] for index in rng.permutation(len(texts))]


def _window(ids: Sequence[NDArray[np.int32]]) -> Window:
    return Window(ids, np.zeros(len(ids), dtype=np.int64))


def _updates(windows: Sequence[Window], settings: Settings) -> int:
    plan = language_plan(settings)
    lengths = (lengths_of(window.ids) for window in windows)
    return sum(count_batches(each, plan.batch_tokens, plan.seed, 1) for each in lengths)


def token_counts(windows: Iterable[Window], vocabulary: int) -> NDArray[np.int64]:
    """How often each token id occurs, [V]."""
    counts = np.zeros(vocabulary, dtype=np.int64)
    for window in windows:
        counts += np.bincount(np.concatenate(window.ids), minlength=vocabulary)
    return counts


def main(arguments: Sequence[str] | None = None) -> int:
    """Train or continue."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--config", type=Path, required=True, help="the settings, in TOML")
    parser.add_argument("--out", type=Path, required=True, help="the bundle's folder")
    options = parser.parse_args(arguments)
    try:
        with Interrupts() as interrupts:
            settings = Settings().updated(read_toml(options.config))
            train_language_model(settings, options.out, interrupts)
    except Interrupted as error:
        print("Interrupted; the same command continues.", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    run_script(main)
