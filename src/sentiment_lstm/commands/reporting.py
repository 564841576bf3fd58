"""`evaluate --report FILE`: what a page about a model needs, gathered and written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentiment_lstm.commands.output import say
from sentiment_lstm.errors import UsageError

if TYPE_CHECKING:
    from sentiment_lstm.api import SentimentClassifier
    from sentiment_lstm.bundle import Bundle
    from sentiment_lstm.evaluation.report import Training
    from sentiment_lstm.interpret.explain import Explanation


def write_report(
    path: Path, classifier: SentimentClassifier, model: str | None, measured: Mapping[str, Any]
) -> None:
    """Write the page about a model.

    Args:
        path: where to.
        classifier: the model.
        model: as `--model` names it.
        measured: as `SentimentClassifier.evaluate` gives it in full.
    """
    from sentiment_lstm.api import find_model
    from sentiment_lstm.evaluation.report import Report, report_page
    from sentiment_lstm.interpret.explain import segments
    from sentiment_lstm.storage import write_atomically

    explained = list(_explained(classifier, [row["text"] for row in measured["mistakes"]]))
    report = Report(
        name=model or "default",
        measured=measured,
        facts=facts(classifier.bundle),
        training=training_of(find_model(model), classifier.bundle),
        behaviour=_behaviour(classifier),
        words=[segments(one) if one else None for one in explained],
        sides=next((one.sides for one in explained if one), ()),
    )
    write_atomically(path, report_page(report).encode())
    say(f"Wrote the report to {path}.")


def training_of(folder: Path, bundle: Bundle) -> Training:
    """How a model came about: what its bundle tells, and its run where it stands in one."""
    from sentiment_lstm.evaluation.report import Training
    from sentiment_lstm.settings import Settings
    from sentiment_lstm.training.metrics_log import read_metrics

    known: Mapping[str, Any] = bundle.config.provenance
    settings = Settings.from_dict(known["settings"]).to_dict() if "settings" in known else {}
    return Training(read_metrics(folder), known.get("screening", {}), settings)


def facts(bundle: Bundle) -> dict[str, str]:
    """What there is to know of a model besides its scores: what -> how much."""
    from sentiment_lstm.card import sources

    config, known = bundle.config, bundle.config.provenance
    settings: Any = known.get("settings", {})
    model, text = config.model, config.text
    sides = "both directions" if model.bidirectional else "one direction"
    size = sizes(bundle)
    kind = "subwords (BPE)" if text.kind == "bpe" else "words"
    origins: Any = known.get("origins", {})
    found = {
        "classes": ", ".join(config.classes),
        "trained on": sources(settings, settings.get("data", {})).replace("`", ""),
        **{f"source {name}": str(told) for name, told in origins.items()},
        "training texts": _count(known.get("texts")),
        "network": f"embedding {model.embedding_size}, {model.layers} LSTM layer"
        f"{'s' if model.layers > 1 else ''} of {model.hidden_size}, {sides}, "
        f"pooling {model.pooling}",
        "vocabulary": f"{len(bundle.tokenizer):,} {kind}",
        "parameters": f"{size['parameters']:,}",
        "stored": f"{size['stored bytes'] / 1e6:.1f} MB",
        "temperature": f"{config.temperature:.3f}, by which logits are divided (calibration)",
        "made by": f"sentiment-lstm {known.get('version', '')}".strip(),
    }
    validated = {n.replace("_", " "): v for n, v in bundle.metrics.items() if "validation" in n}
    found |= {name: f"{v:.4f}" for name, v in validated.items() if isinstance(v, float)}
    return {what: told for what, told in found.items() if told}


def sizes(bundle: Bundle) -> dict[str, int]:
    """How many numbers a model is, and the bytes of its weights and graphs as they are stored."""
    parameters = sum(array.size for array in bundle.weights.values())
    stored = (2 if bundle.half else 4) * parameters + sum(map(len, bundle.graphs.values()))
    return {"parameters": parameters, "stored bytes": stored}


def _count(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else ""


def _behaviour(classifier: SentimentClassifier) -> Sequence[Mapping[str, Any]] | str:
    """The shipped suite's results, or why it does not fit the model."""
    from sentiment_lstm.evaluation.behaviour import positive_scorer, run_suite
    from sentiment_lstm.evaluation.cases import shipped_cases

    try:
        predict = positive_scorer(classifier.predict_proba, classifier.classes_)
    except UsageError:
        named = ", ".join(classifier.classes_)
        return f"The suite asks for the classes negative and positive; this model has {named}."
    return [one.to_dict() for one in run_suite(shipped_cases(), predict)]


def _explained(
    classifier: SentimentClassifier, texts: Sequence[str]
) -> Iterator[Explanation | None]:
    """What moved each text's score; None for one that is too long to explain."""
    for text in texts:
        try:
            yield classifier.explain(text)
        except UsageError:
            yield None
