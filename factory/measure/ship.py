"""Make the bundle that ships from a finished run: half precision, measured, with its model card.

    python -m factory.measure.ship --model runs/default --out src/sentiment_lstm/pretrained/default

This is the last stage of the factory. It measures the bundle as it is stored, on the test splits
(`accuracy.py`) and on the behaviour suite. Nothing here chooses by these measures.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from factory.measure import accuracy
from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import INT8_GRAPH, load_bundle, save_bundle
from sentiment_lstm.data.registry import data_set
from sentiment_lstm.errors import UsageError, run_script
from sentiment_lstm.evaluation.behaviour import positive_scorer, run_suite
from sentiment_lstm.evaluation.cases import shipped_cases
from sentiment_lstm.export import export

SETS = {
    "imdb": "training and unlabelled reviews",
    "sst": "sentences and phrases of the training trees",
    "tweets": "training tweets",
    "products": "training reviews",
}
"""The parts of registered data sets that both shipped models learnt from."""
GRAMMAR = "sentences made by sentiment-lstm's own grammar; Apache-2.0"
ORIGINS: dict[str, dict[str, str]] = {
    "default": {
        "grammar": GRAMMAR,
        "taught": "IMDb's unlabelled reviews, and runs of sentences from IMDb's and the product "
        "reviews, labelled by earlier models; a product review's label may be half its own and "
        "half a linear model's; a tweet's label is a third each its own, a linear model's and a "
        "large language model's grade",
        "judged": "texts graded by a large language model (`grades.txt`, `uncertain.txt`): "
        "reviews, runs of sentences from product and film reviews, tweets and their parts, the "
        "irony task's tweets, and sentences with words that differently seeded models read "
        "differently; 285 of the 8,021 last ones hold a word of the behaviour suite, 27 of them "
        '"detest", which failed in the suite and so started the search for such words',
        "turned": "5,286 of IMDb's and the products' training reviews, whose verdict a large "
        "language model reversed by small edits (`factory/texts/edits.jsonl`)",
        "roughened": "a part of these sentences with typing errors, added by rule",
        "written": "109,306 texts that a large language model wrote for sentiment-lstm; Apache-2.0",
        "names": "a part of the names that are tokens: Faker's lists; MIT; cities: the time zone "
        "database; public domain",
        "people": "numbers, religions and common words for people and nations, among them most of "
        "the behaviour suite's; their effect on neutral sentences and on opinions beside them was "
        "taken out, as that of proper nouns was; the language model was also asked for texts about "
        "people",
        "not judged fairly by the suite any more": "names, places, numbers, nationalities, "
        "religions, other groups of people and opinions beside groups, because their effect was "
        "taken out; typos and links, which are mended and removed by rule",
    },
    "tiny": {
        "grammar": f"{GRAMMAR}; they held a dozen templates of the behaviour suite, which were "
        "worded anew since",
        "taught": "IMDb's unlabelled reviews, all or a third of them, labelled by an earlier model",
    },
}
"""Where the training texts and names of each shipped bundle come from, beside registered sets. The
texts are no part of the bundle."""


def origins(name: str) -> Mapping[str, str]:
    """Where a shipped bundle's training texts come from, and on which terms."""
    sets = {key: data_set(key) for key in SETS}
    parts = {key: f"{s.title}, {SETS[key]}. {s.terms}" for key, s in sets.items()}
    more = {"irony": data_set("irony")} if name == "default" else {}
    parts |= {
        key: f"{s.title}, training tweets without labels. {s.terms}" for key, s in more.items()
    }
    return parts | ORIGINS[name]


def main(arguments: Sequence[str] | None = None) -> int:
    """Store, measure, store again with the measures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="the finished run")
    parser.add_argument("--out", type=Path, required=True, help="the bundle's folder")
    options = parser.parse_args(arguments)
    if options.out.name not in ORIGINS:
        parser.error(f"Expected a folder named {' or '.join(ORIGINS)}, found {options.out}: --out")
    save_bundle(options.out, replace(load_bundle(options.model), card="", half=True, graphs={}))
    bundle = export(load_bundle(options.out), [INT8_GRAPH])  # of the weights as they are stored
    save_bundle(options.out, bundle)
    classifier = SentimentClassifier.from_pretrained(options.out)
    score = positive_scorer(classifier.predict_proba, classifier.classes_)
    tests = accuracy.measure_sets(options.out, test=True)
    if not tests:
        raise UsageError("Expected data sets with a test split, found none; see factory/README.md.")
    measures = {
        "tests": tests,
        "development": accuracy.measure_sets(options.out, test=False),
        "behaviour": [result.to_dict() for result in run_suite(shipped_cases(), score)],
    }
    provenance = {**bundle.config.provenance, "origins": dict(origins(options.out.name))}
    config = replace(bundle.config, provenance=provenance)
    metrics = {**bundle.metrics, **measures}
    save_bundle(options.out, replace(bundle, config=config, metrics=metrics, card=""))
    return 0


if __name__ == "__main__":
    run_script(main)
