"""From a finished run to the bundle that ships: half precision, measured, with its model card.

`python -m factory.measure.ship --model runs/default --out src/sentiment_lstm/pretrained/default` is
the last step of `make reproduce-shipped`. What is measured is the bundle as it ships: test splits
(`accuracy.py`) and behaviour. They judge; nothing here chooses by them.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from factory.measure import accuracy
from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import INT8_GRAPH, load_bundle, save_bundle
from sentiment_lstm.errors import run_script
from sentiment_lstm.evaluation.behaviour import positive_scorer, run_suite
from sentiment_lstm.evaluation.cases import shipped_cases
from sentiment_lstm.export import export

TEXTS = {
    "imdb": "Large Movie Review Dataset (Maas et al., ACL 2011), training and unlabelled reviews; "
    "its authors ask to be cited and state no licence",
    "sst": "Stanford Sentiment Treebank (Socher et al., EMNLP 2013), sentences and phrases of the "
    "training trees; no licence stated",
    "tweets": "SemEval 2013-2016, task 4A, training tweets; for research, under the platform's "
    "terms",
    "products": "Multi-Domain Sentiment Dataset (Blitzer et al., ACL 2007), part of its product "
    "reviews; no licence stated",
    "grammar": "sentences made by sentiment-lstm's own grammar; Apache-2.0",
}
ORIGINS = {
    "default": TEXTS
    | {
        "irony": "SemEval 2018, task 3A, training tweets without their labels; for research, under "
        "the platform's terms",
        "taught": "IMDb's unlabelled reviews, and runs of sentences out of IMDb's and the "
        "products', labelled by teachers of ours; a product review's label may be half its own, "
        "half a linear model's, a tweet's a third each its own, a linear model's and a large "
        "language model's grade",
        "judged": "some of these, of runs of sentences of the products' and IMDb's reviews, of "
        "tweets, their parts and the irony task's tweets, and sentences of the reviews with words "
        "that trainings read differently, graded by a large language model (`grades.txt`, "
        "`uncertain.txt`); of the 8,021 of these sentences 285 hold a word of the "
        'behaviour suite, 27 "detest", whose failing in the suite had started the search for such '
        "words",
        "turned": "5,286 of IMDb's and the products' training reviews with the verdict turned by "
        "small edits that a large language model made (`factory/texts/edits.jsonl`)",
        "roughened": "some of these sentences as hurried people type them, changed by rule",
        "written": "109,306 texts that a language model wrote for sentiment-lstm, to a brief; "
        "Apache-2.0",
        "names": "some of the names that are words of the vocabulary: Faker's lists; MIT; cities: "
        "the time zone database; public domain",
        "people": "numbers, religions and common words for people and nations, most of the "
        "behaviour suite's among them, whose effect on neutral sentences and on opinions beside "
        "them was taken out, as that of proper nouns was; texts about people were asked for, too",
        "not judged fairly by the suite any more": "names, places, numbers, nationalities, "
        "religions, other groups of people and opinions beside groups, for that; typos and links, "
        "which are mended and taken out by rule",
    },
    "tiny": TEXTS
    | {
        "grammar": f"{TEXTS['grammar']}; in them stood a dozen templates of the behaviour suite, "
        "which were worded anew since",
        "taught": "IMDb's unlabelled reviews, all or a third of them, labelled by a teacher "
        "of ours",
    },
}
"""Where a shipped bundle's training texts and names are from. None of the texts is part of it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Store, measure, store again with what was measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="the finished run")
    parser.add_argument("--out", type=Path, required=True, help="the bundle's folder")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    options = parser.parse_args(arguments)
    if options.out.name not in ORIGINS:
        parser.error(f"Expected a folder named {' or '.join(ORIGINS)}, found {options.out}: --out")
    if not options.data.is_dir():
        parser.error(f"Expected the folder of the test sets, found none at {options.data}: --data")
    save_bundle(options.out, replace(load_bundle(options.model), card="", half=True, graphs={}))
    bundle = export(load_bundle(options.out), [INT8_GRAPH])  # of the weights as they are stored
    save_bundle(options.out, bundle)
    classifier = SentimentClassifier.from_pretrained(options.out)
    score = positive_scorer(classifier.predict_proba, classifier.classes_)
    found = {
        "tests": accuracy.measure_sets(options.out, options.data, test=True),
        "development": accuracy.measure_sets(options.out, options.data, test=False),
        "behaviour": [one.to_dict() for one in run_suite(shipped_cases(), score)],
    }
    provenance = {**bundle.config.provenance, "origins": ORIGINS[options.out.name]}
    config = replace(bundle.config, provenance=provenance)
    metrics = {**bundle.metrics, **found}
    save_bundle(options.out, replace(bundle, config=config, metrics=metrics, card=""))
    return 0


if __name__ == "__main__":
    run_script(main)
