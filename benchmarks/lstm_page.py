"""Make the pictures, tables and numbers of docs/lstm.md again, for the model that is installed.

`python benchmarks/lstm_page.py` (extras `train` and `report`; about five minutes of one core)
writes `docs/pictures/*.svg` and `docs/pictures/numbers.json`, then fills in the page:

- a place between `<!-- NAME -->` and `<!-- / -->` gets the value of that name;
- a `text` block after a `python` block gets what the code prints.

tests/test_lstm_page.py fails when the page, the numbers and the installed model do not agree.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import fingerprint
from sentiment_lstm.data.open import open_rows
from sentiment_lstm.errors import run_script
from sentiment_lstm.interpret.inspection import Embedding, Inspection, inspect_text, summarize_layer
from sentiment_lstm.interpret.pictures import Picture, draw_text
from sentiment_lstm.interpret.reach import measure_reach
from sentiment_lstm.interpret.study_pictures import draw_study
from sentiment_lstm.settings import DataSettings
from sentiment_lstm.storage import as_json, write_atomically, write_together
from sentiment_lstm.training.gradient_study import DISTANCES, Plan, neutral_sentences, run_study

SEEDS = (0, 1, 2)
SENTENCE = "It was not bad at all."
REVIEWS = 20
SHORTEST, LONGEST = 390, 410
"""Tokens of a review."""
REACH_DISTANCES = (0, *DISTANCES, 200, 300)
PICTURES = (
    *("sentence_reading", "sentence_gates_1", "sentence_forget"),
    *("review_reading", "review_half_lives", "review_reach"),
    *("study_distance", "study_gradient_norm", "study_loss"),
)
"""The pictures that the page shows, of all that can be drawn."""

Numbers = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--page", type=Path, default=Path("docs/lstm.md"))
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"))
    options = parser.parse_args(arguments)
    classifier = SentimentClassifier.from_pretrained()
    studies = [run_study(print, replace(Plan(), seed=seed)) for seed in SEEDS]
    reviews = list(islice(long_reviews(classifier), REVIEWS))
    numbers = {
        "fingerprints": fingerprints(classifier),
        "model": measure_model(classifier),
        "sentence": measure_sentence(classifier),
        "reviews": measure_reviews(classifier, reviews),
        "study": summarize_studies(studies),
    }
    pictures = {
        "sentence": draw(classifier, SENTENCE),
        "review": draw(classifier, reviews[0]),
        "study": draw_study(studies[0]),
    }
    write_together(options.out, {**files(pictures), "numbers.json": as_json(numbers)})
    page = options.page.read_text(encoding="utf-8")
    write_atomically(options.page, fill_in(page, numbers).encode())
    return 0


def fingerprints(classifier: SentimentClassifier) -> dict[str, str]:
    """Hashes of what the numbers depend on: the model, and the texts of the study."""
    texts = "\n".join(neutral_sentences(Plan()))
    return {
        "model": fingerprint(classifier.bundle),
        "study_texts": hashlib.sha256(texts.encode()).hexdigest(),
    }


def long_reviews(classifier: SentimentClassifier) -> Iterator[str]:
    """Reviews of IMDb's training part with about 400 tokens, in their order."""
    for row in open_rows(DataSettings()):
        text = str(row.text)
        (encoded,) = classifier.bundle.tokenizer.encode([text])
        if SHORTEST <= len(encoded.ids) <= LONGEST:
            yield text


def inspect(classifier: SentimentClassifier, text: str) -> Inspection:
    return inspect_text(classifier.bundle, classifier.predictor, text)


# Pictures


def draw(classifier: SentimentClassifier, text: str) -> list[Picture]:
    inspection = inspect(classifier, text)
    return draw_text(inspection, measure_reach(classifier.bundle, inspection.ids))


def files(pictures: Mapping[str, Sequence[Picture]]) -> dict[str, bytes]:
    """The SVG files of the page by name."""
    named = {f"{of}_{picture.name}": picture for of, drawn in pictures.items() for picture in drawn}
    return {f"{name}.svg": rounded(named[name].svg) for name in PICTURES}


def rounded(svg: bytes) -> bytes:
    """A picture with coordinates of two decimals: half the size, and the same to the eye."""
    return re.sub(rb"-?\d+\.\d{3,}", lambda match: b"%.2f" % float(match[0]), svg)


# Numbers


def measure_model(classifier: SentimentClassifier) -> Numbers:
    """Sizes of the model, and how its embedding sees "good" and "bad"."""
    bundle = classifier.bundle
    near_good = Embedding(bundle).nearest("good", len(bundle.tokenizer)) or []
    words = [word for word, _ in near_good]
    return {
        "vocabulary": len(bundle.tokenizer),
        "embedding_size": bundle.config.model.embedding_size,
        "hidden_size": bundle.config.model.hidden_size,
        "pooled_size": bundle.weights["output.weight"].shape[1],
        "cosine_good_bad": dict(near_good)["bad"],
        "nearer_to_good_than_bad": words.index("bad"),
    }


def measure_sentence(classifier: SentimentClassifier) -> Numbers:
    """The sentence token by token: the running score, and how far the hidden state moved."""
    tokens = inspect(classifier, SENTENCE).to_dict()["tokens"]
    return {
        "tokens": [token["text"] for token in tokens],
        "probability": [token["probability"] for token in tokens],
        "movement": [token["movement"][0] for token in tokens],
    }


def measure_reviews(classifier: SentimentClassifier, texts: Sequence[str]) -> Numbers:
    """The model over reviews: forget gate, half-lives and reach, as means over the reviews."""
    inspections = [inspect(classifier, text) for text in texts]
    layers = [summarize_layer(inspection.layers[0]) for inspection in inspections]
    half_lives = np.array([inspection.layers[0].half_life() for inspection in inspections])
    reaches = [measure_reach(classifier.bundle, inspection.ids) for inspection in inspections]
    reach = {}
    for name in ("score", "memory"):
        norms = np.mean([getattr(values, name)[:SHORTEST] for values in reaches], axis=0)
        reach[name] = {str(distance): float(norms[distance]) for distance in REACH_DISTANCES}
    return {
        "count": len(texts),
        "forget_gate": float(np.mean([layer["mean_forget_gate"] for layer in layers])),
        "half_life_median": float(np.mean([layer["half_life"]["median"] for layer in layers])),
        "units_above_10_tokens": float((half_lives > 10).sum(axis=1).mean()),
        "units_above_100_tokens": float((half_lives > 100).sum(axis=1).mean()),
        "reach": reach,
    }


def summarize_studies(studies: Sequence[Mapping[str, Any]]) -> Numbers:
    """Each network's figures, a list with a value a seed."""
    networks = [
        {
            "name": runs[0]["name"],
            "clip_norm": runs[0]["clip_norm"],
            "start": [run["ratio"]["start"] for run in runs],
            "end": [run["ratio"]["end"] for run in runs],
            "largest_norm": [max(run["gradient_norm"]) for run in runs],
            "accuracy": [run["accuracy"] for run in runs],
        }
        for runs in zip(*(study["runs"] for study in studies), strict=True)
    ]
    plan = {name: value for name, value in studies[0]["plan"].items() if name != "seed"}
    return {"plan": plan, "seeds": list(SEEDS), "networks": networks}


# The page


def fill_in(page: str, numbers: Numbers) -> str:
    """The page with the values of these numbers, and with what its code prints."""
    return with_outputs(with_values(page, values(numbers)))


def with_values(page: str, values: Mapping[str, str]) -> str:
    """The page with each value between the marks of its name."""
    return re.sub(
        r"(<!-- (\w+) -->).*?(<!-- / -->)",
        lambda match: match[1] + values[match[2]] + match[3],
        page,
        flags=re.DOTALL,
    )


def with_outputs(page: str) -> str:
    """The page with the output of each `python` block in the `text` block that follows it.

    As a reader would, it runs the blocks in their order and in one namespace.
    """
    namespace: dict[str, Any] = {}

    def run(match: re.Match[str]) -> str:
        printed = io.StringIO()
        with redirect_stdout(printed):
            exec(match["code"], namespace)
        head = f"```python\n{match['code']}```\n"
        return head + (f"\n```text\n{printed.getvalue()}```\n" if match["output"] else "")

    blocks = r"^```python\n(?P<code>.*?)^```\n(?P<output>\n```text\n.*?^```\n)?"
    return re.sub(blocks, run, page, flags=re.DOTALL | re.MULTILINE)


def values(numbers: Numbers) -> dict[str, str]:
    """Every value that the page quotes, as it is written there."""
    return {
        **model_values(numbers["model"]),
        **review_values(numbers["reviews"]),
        **study_values(numbers["study"]["networks"]),
        "sentence": sentence_table(numbers["sentence"]),
        "reach": reach_table(numbers["reviews"]["reach"]),
        "study": study_table(numbers["study"]["networks"]),
    }


def model_values(model: Numbers) -> dict[str, str]:
    counts = ("vocabulary", "embedding_size", "hidden_size", "pooled_size")
    return {
        **{name: f"{model[name]:,}" for name in counts},
        "cosine_good_bad": f"{model['cosine_good_bad']:.2f}",
        "nearer_to_good": f"{model['nearer_to_good_than_bad']:,}",
    }


def review_values(reviews: Numbers) -> dict[str, str]:
    score, memory = reviews["reach"]["score"], reviews["reach"]["memory"]
    return {
        "forget_gate": f"{reviews['forget_gate']:.2f}",
        "half_life": f"{reviews['half_life_median']:.2f}",
        "units_above_10": f"{reviews['units_above_10_tokens']:.0f}",
        "units_above_100": f"{reviews['units_above_100_tokens']:.0f}",
        "memory_drop": f"{memory['0'] / memory['50']:.0f}",
        "score_kept": f"{score['300'] / score['0']:.0%}",
    }


def study_values(networks: Sequence[Numbers]) -> dict[str, str]:
    """Bounds that hold for every seed."""
    rnn = [network for network in networks if network["name"] == "RNN"]
    large = [network for network in networks if network["name"] == "RNN, spectral radius 2"]
    lstm = [network for network in networks if network["name"].startswith("LSTM")]
    bias_0, bias_1 = lstm[:2], lstm[2:]
    return {
        "rnn_start": shown(bound(rnn, "start", max)),
        "rnn_end": shown(bound(rnn, "end", max)),
        "rnn_accuracy": f"{bound(rnn, 'accuracy', max):.0%}",
        "bias_0_start": shown(bound(bias_0, "start", max)),
        "bias_1_start": shown(bound(bias_1, "start", min)),
        "lstm_end": shown(bound(lstm, "end", min)),
        "lstm_accuracy": f"{bound(lstm, 'accuracy', min):.0%}",
        "large_start": shown(bound(large, "start", min)),
        "large_norm": shown(bound(large, "largest_norm", min)),
        "large_accuracy": f"{bound(large[:1], 'accuracy', max):.0%}",
        "large_clipped_low": f"{min(large[1]['accuracy']):.0%}",
        "large_clipped_high": f"{max(large[1]['accuracy']):.0%}",
    }


def bound(networks: Sequence[Numbers], key: str, end: Callable[[Iterable[float]], float]) -> float:
    """The `min` or `max` over networks and seeds, rounded outwards.

    An accuracy keeps two digits behind the point, all else one significant digit.
    """
    figure = end(value for network in networks for value in network[key])
    unit = 0.01 if key == "accuracy" else 10.0 ** math.floor(math.log10(figure))
    outwards = math.floor if end is min else math.ceil
    return outwards(figure / unit) * unit


def sentence_table(sentence: Numbers) -> str:
    return table(
        ["token", *sentence["tokens"]],
        [
            ["score", *(f"{value:.2f}" for value in sentence["probability"])],
            ["movement", *(f"{value:.2f}" for value in sentence["movement"])],
        ],
    )


def reach_table(reach: Numbers) -> str:
    names = {"score": "the score", "memory": "the last state"}
    rows = [
        [name, *(f"{reach[key][str(distance)]:.2g}" for distance in REACH_DISTANCES)]
        for key, name in names.items()
    ]
    heads = {0: "last token", 1: "1 before"}
    columns = [heads.get(distance, str(distance)) for distance in REACH_DISTANCES]
    return table(["gradient of", *columns], rows)


def study_table(networks: Sequence[Numbers]) -> str:
    head = ["network", "clipped", "at the start", "after training", "largest norm", "accuracy"]
    rows = [
        [
            network["name"],
            "no" if network["clip_norm"] is None else f"at {network['clip_norm']:g}",
            *(spread(network[key]) for key in ("start", "end", "largest_norm")),
            accuracy_spread(network["accuracy"]),
        ]
        for network in networks
    ]
    return table(head, rows)


def spread(figures: Sequence[float]) -> str:
    """Geometric mean and range: these figures differ by orders of magnitude."""
    mean = float(np.exp(np.mean(np.log(figures))))
    return f"{shown(mean)} ({shown(min(figures))} to {shown(max(figures))})"


def accuracy_spread(figures: Sequence[float]) -> str:
    return f"{np.mean(figures):.1%} ({min(figures):.1%} to {max(figures):.1%})"


def shown(figure: float) -> str:
    """Two significant digits, or a power of ten for what is very small."""
    if figure < 0.001:
        return f"{figure:.0e}"
    return f"{figure:.2g}" if figure < 100 else f"{float(f'{figure:.2g}'):,.0f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, with the blank lines that it needs around it."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n\n"


if __name__ == "__main__":
    run_script(main)
