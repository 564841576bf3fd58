"""The metrics and the bundle of a run whose stages are finished."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from sentiment_lstm import __version__
from sentiment_lstm.bundle import Bundle, Config
from sentiment_lstm.data.corpus import Corpus
from sentiment_lstm.settings import Settings
from sentiment_lstm.text import familiarity
from sentiment_lstm.text.familiarity import measure_rates
from sentiment_lstm.text.familiarity_learning import learn_familiarity
from sentiment_lstm.text.tokenizer import TextTokenizer
from sentiment_lstm.training.clock import Clock
from sentiment_lstm.training.metrics_log import read_metrics
from sentiment_lstm.training.stages import Finished
from sentiment_lstm.training.standing import compare, is_still_falling
from sentiment_lstm.training.trials import folders_of_trials

_MEASURED_TEXTS = 2_000
"""About this many texts are enough to measure how well the vocabulary fits."""


def metrics_of(
    finished: Finished, corpus: Corpus, settings: Settings, folder: Path, clock: Clock
) -> dict[str, Any]:
    """The numbers of `metrics.json`."""
    stages = folders_of_trials(folder) if settings.training.trials else [folder]
    return finished.metrics | {
        "train_seconds": round(clock.seconds, 1),
        **compare(finished.held_out, corpus.classes, settings.training.seed),
        "still_falling": is_still_falling([read_metrics(stage) for stage in stages]),
    }


def bundle_of(
    settings: Settings,
    provenance: dict[str, Any],
    corpus: Corpus,
    finished: Finished,
    metrics: dict[str, Any],
) -> Bundle:
    """The model of a finished run.

    Args:
        settings: those of the run.
        provenance: as `origin.origin_of`.
        corpus: the texts of the run.
        finished: its stages.
        metrics: as `metrics_of`.
    """
    config = Config(
        model=settings.model,
        text=settings.text,
        classes=corpus.classes,
        temperature=metrics["temperature"],
        thresholds=finished.thresholds,
        provenance={
            "version": __version__,
            **provenance,
            "texts": finished.texts,
            "screening": corpus.screening,
            **_fit_of_vocabulary(finished.tokenizer, corpus, settings),
        },
    )
    half = finished.tokenizer.features is not None
    return Bundle(config, finished.tokenizer, finished.weights, metrics, half=half)


def _fit_of_vocabulary(
    tokenizer: TextTokenizer, corpus: Corpus, settings: Settings
) -> dict[str, object]:
    """How the vocabulary fits texts of the training: those that did not form it, if possible.

    From this, the model later tells texts that look unfamiliar, all together and one by one.
    Validation texts come from the first source only, so they are not typical of a mixture.
    """
    examples = corpus.sample if settings.mixture else corpus.validation or corpus.sample
    texts = [example.text for example in examples[:: 1 + len(examples) // _MEASURED_TEXTS]]
    rates = measure_rates(tokenizer, texts)
    trained = [example.text for example in corpus.sample]
    return {
        **({familiarity.KEY: asdict(rates)} if rates else {}),
        **learn_familiarity(tokenizer, trained, texts),
    }
