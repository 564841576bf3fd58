"""`evaluate --report FILE`: gathers the contents of a page about a model and writes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentiment_lstm.commands.output import say
from sentiment_lstm.errors import UsageError
from sentiment_lstm.weights_file import WIDE
from sentiment_lstm.wording import MOST_SHOWN, first_names

if TYPE_CHECKING:
    from sentiment_lstm.api import SentimentClassifier
    from sentiment_lstm.bundle import Bundle
    from sentiment_lstm.evaluation.behaviour import Predict
    from sentiment_lstm.evaluation.report import Training
    from sentiment_lstm.interpret.explain import Explanation


def write_report(
    path: Path, classifier: SentimentClassifier, model: str | None, measured: Mapping[str, Any]
) -> None:
    """Write the page about a model.

    Args:
        path: the HTML file to write.
        classifier: the model.
        model: its name, as given to `--model`.
        measured: the values of `SentimentClassifier.evaluate(..., in_full=True)`.
    """
    from sentiment_lstm.evaluation.report import Report, report_page
    from sentiment_lstm.finding import find_model
    from sentiment_lstm.interpret.explain import segments
    from sentiment_lstm.provenance import bundle_name
    from sentiment_lstm.storage import write_atomically

    explained = list(_explained(classifier, [row["text"] for row in measured["mistakes"]]))
    name = model or "default"
    report = Report(
        name=bundle_name(name) if Path(name).is_absolute() else name,
        measured=_without_paths(measured),
        facts=facts(classifier.bundle),
        training=training_of(find_model(model), classifier.bundle),
        behaviour=_behaviour(classifier),
        words=[segments(explanation) if explanation else None for explanation in explained],
        sides=next((explanation.sides for explanation in explained if explanation), ()),
    )
    write_atomically(path, report_page(report).encode())
    say(f"Wrote the report to {path}.")


def _without_paths(measured: Mapping[str, Any]) -> dict[str, Any]:
    """The same values, with the names of sources in place of their paths."""
    from sentiment_lstm.provenance import source_name

    others = measured.get("out_of_scope")
    named = others and {**others, "data": source_name(others["data"])}
    return {**measured, "data": source_name(measured["data"]), "out_of_scope": named}


def scorer_of(classifier: SentimentClassifier) -> Predict:
    """Return the function that scores the sentences of the suite.

    Raises:
        UsageError: the classes lack `negative` or `positive`, or a text may have several labels.
    """
    from sentiment_lstm.evaluation.behaviour import positive_scorer
    from sentiment_lstm.inference.two_classes import poles_of

    poles_of(classifier.predictor)
    return positive_scorer(classifier.predict_proba, classifier.classes_)


def training_of(folder: Path, bundle: Bundle) -> Training:
    """How a model was made: from its bundle, and from the log of its run if the folder is a run.

    The settings also hold `data.sha256`, if it is recorded: two files may have the same name.
    """
    from sentiment_lstm.evaluation.report import Training
    from sentiment_lstm.provenance import recorded_hash, replace_paths
    from sentiment_lstm.settings import Settings
    from sentiment_lstm.training.metrics_log import read_metrics

    known: Mapping[str, Any] = replace_paths(bundle.config.provenance)
    settings = Settings.from_dict(known["settings"]).to_dict() if "settings" in known else {}
    if settings and (sha256 := recorded_hash(known)):
        settings["data"]["sha256"] = sha256
    return Training(read_metrics(folder), known.get("screening", {}), settings)


def facts(bundle: Bundle) -> dict[str, str]:
    """The facts about a model besides its scores: name of the fact -> its value."""
    from sentiment_lstm.provenance import replace_paths
    from sentiment_lstm.trained_on import sources

    config, known = bundle.config, replace_paths(bundle.config.provenance)
    settings: Any = known.get("settings", {})
    model, text = config.model, config.text
    sides = "both directions" if model.bidirectional else "one direction"
    size = sizes(bundle)
    kind = "subwords (BPE)" if text.kind == "bpe" else "words"
    origins: Any = known.get("origins", {})
    values = {
        "classes": first_names(config.classes, MOST_SHOWN),
        "trained on": sources(settings, settings.get("data", {})).replace("`", ""),
        **{f"source {name}": str(description) for name, description in origins.items()},
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
    values |= {name: f"{v:.4f}" for name, v in validated.items() if isinstance(v, float)}
    return {fact: value for fact, value in values.items() if value}


def sizes(bundle: Bundle) -> dict[str, int]:
    """The number of a model's parameters, and the bytes of its weights and graphs as stored."""
    parameters = sum(array.size for array in bundle.weights.values())
    stored = sum(  # the wide path is stored in float16, with a hash for each feature
        (2 if bundle.half or name == WIDE else 4) * array.size
        for name, array in bundle.weights.items()
    )
    stored += 0 if bundle.tokenizer.hashes is None else bundle.tokenizer.hashes.nbytes
    stored += sum(map(len, bundle.graphs.values()))
    return {"parameters": parameters, "stored bytes": stored}


def _count(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else ""


def _behaviour(classifier: SentimentClassifier) -> Sequence[Mapping[str, Any]] | str:
    """The results of the shipped suite, or a sentence that says why it does not fit the model."""
    from sentiment_lstm.evaluation.behaviour import run_suite
    from sentiment_lstm.evaluation.cases import shipped_cases

    try:
        predict = scorer_of(classifier)
    except UsageError:
        if classifier.predictor.multi_label:
            return "The suite asks for one class; this model may give a text several labels."
        classes = first_names(classifier.classes_)
        return f"The suite asks for the classes negative and positive; this model has {classes}."
    return [result.to_dict() for result in run_suite(shipped_cases(), predict)]


def _explained(
    classifier: SentimentClassifier, texts: Sequence[str]
) -> Iterator[Explanation | None]:
    """An explanation of each text's score; None for a text that is too long to explain."""
    for text in texts:
        try:
            yield classifier.explain(text)
        except UsageError:
            yield None
