"""Small stand-ins for the data sets and the graded texts, for a run of the factory in minutes.

    python -m factory.texts.standins --out runs/factory_tiny/data

The reviews are a few hundred of the bundled `imdb` source. Everything else is made of sentences of
the package's own grammar. Labels, grades and edits follow from the labels of these sources, so no
model and no data set is needed. Models trained on them are no good; they show that the factory
works.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import count, islice
from pathlib import Path

from factory.texts.excerpts import sentences_of
from factory.texts.judged import key, plain
from sentiment_lstm.data.open import open_rows
from sentiment_lstm.errors import run_script
from sentiment_lstm.settings import DataSettings
from sentiment_lstm.storage import write_atomically

Rows = list[dict[str, object]]
REVIEWS = {"train": 300, "unsupervised": 160, "test": 60}
"""Reviews of each split, half of them of each class."""
LONGEST = 700
"""Characters of a review, at most."""
FIRST_SENTENCE = 2_001
"""The rounds of scale `tiny` read earlier sentences of the grammar."""
CARD = f"""---
configs:
- config_name: plain_text
  data_files:
{"".join(f"  - split: {split}{chr(10)}    path: {split}.jsonl{chr(10)}" for split in REVIEWS)}---
"""
"""The data card of IMDb's stand-in: `datasets` has to be told of a split called `unsupervised`."""
NUMBERS = {"negative": 0, "neutral": 1, "positive": 2}
OTHER_TWEETS = ("offensive", "emotion")
"""Sets of tweets without labels for sentiment. They have grades."""
EMOTIONS = (["anger"], ["neutral"], ["joy", "love"])
"""The emotions of a negative, a neutral and a positive sentence."""


def reviews() -> dict[str, Rows]:
    """Short reviews of the bundled source for each split of IMDb; three share a film."""
    by_label: dict[str, list[str]] = {"0": [], "1": []}
    for row in open_rows(DataSettings(source="imdb")):
        if len(str(row.text)) <= LONGEST:
            by_label[str(row.label)].append(str(row.text))
    pairs = zip(by_label["0"], by_label["1"], strict=False)
    texts = iter([(text, label) for pair in pairs for label, text in enumerate(pair)])
    film = count()
    return {
        split: [
            {"text": text, "label": label, "movie": f"film {next(film) // 3}"}
            for text, label in islice(texts, number)
        ]
        for split, number in REVIEWS.items()
    }


class Sentences:
    """The grammar's sentences, each handed out once."""

    def __init__(self) -> None:
        source = f"grammar:{FIRST_SENTENCE}-{FIRST_SENTENCE + 5_000}"
        self._rows = iter(open_rows(DataSettings(source=source)))

    def take(self, number: int, *labels: str) -> list[tuple[str, int]]:
        """The next sentences with one of these labels (default: any), and 0, 1 or 2."""
        fits = (r for r in self._rows if not labels or r.label in labels)
        return [(str(r.text), NUMBERS[str(r.label)]) for r in islice(fits, number)]


def data_sets(sentences: Sentences) -> Iterator[tuple[str, Rows]]:
    """The rows of every split of every set, by the name of its file."""
    for split, rows in reviews().items():
        yield f"imdb/{split}", rows
    for split, number in (("train", 300), ("validation", 60), ("test", 60)):
        yield f"tweets/{split}", _labelled(sentences.take(number))
        stars = [{"text": text, "stars": 2 * n} for text, n in sentences.take(number)]
        yield f"sst/{split}", stars
        irony = sentences.take(number // 3, "negative", "positive")
        yield f"irony/{split}", _labelled([(text, n // 2) for text, n in irony])
    for name in OTHER_TWEETS:
        for split in ("train", "test"):
            yield f"{name}/{split}", _labelled(sentences.take(30))
    for split, number in (("train", 100), ("test", 40)):
        pairs = [
            sentences.take(2, label)
            for _ in range(number // 2)
            for label in ("negative", "positive")
        ]
        products = [(" ".join(t for t, _ in pair), pair[0][1] // 2) for pair in pairs]
        yield f"products/{split}", _labelled(products)
    for split, number in (("train", 120), ("validation", 30), ("test", 30)):
        emotions: Rows = [
            {"text": text, "emotions": EMOTIONS[n], "groups": [list(NUMBERS)[n]]}
            for text, n in sentences.take(number)
        ]
        yield f"goemotions/{split}", emotions
    news: Rows = [
        {"text": text, "label": list(NUMBERS)[n], "targets": 1 + index % 2}
        for index, (text, n) in enumerate(sentences.take(120))
    ]
    yield "news/train", news


def _labelled(pairs: Sequence[tuple[str, int]]) -> Rows:
    return [{"text": text, "label": label} for text, label in pairs]


def graded_texts(sets: Mapping[str, Rows], sentences: Sentences) -> dict[str, str]:
    """The files of `factory/texts/` with grades, edits and written texts, by name."""
    films, unlabelled = sets["imdb/train"], sets["imdb/unsupervised"]
    whole = [(str(row["text"]), int(str(row["label"]))) for row in unlabelled[::4]]
    single = [
        (sentence, int(str(row["label"])))
        for row in films[::2]
        for sentence in sentences_of(str(row["text"]))
    ]
    tweets = [
        (str(row["text"]), int(str(row["label"])))
        for name in OTHER_TWEETS
        for row in sets[f"{name}/train"]
    ]
    graded = {key(text): 4 * label for text, label in (*whole, *single[::2])}
    graded |= {key(text): 2 * label for text, label in tweets}
    uncertain = {key(text): 4 * label for text, label in single[1::8]}
    uncertain = {text: grade for text, grade in uncertain.items() if text not in graded}
    written, domains = (
        [{"text": text, "label": n / 2} for text, n in sentences.take(number)]
        for number in (300, 60)
    )
    return {
        "grades.txt": _grades(graded),
        "uncertain.txt": _grades(uncertain),
        "edits.jsonl": _lines(_edits(sets["products/train"][:40])),
        "written.jsonl": _lines(written),
        "domains.jsonl": _lines(domains),
    }


def _edits(rows: Rows) -> Rows:
    """An edit for each text, which replaces the first word."""
    keys = dict.fromkeys(key(plain(str(row["text"]))) for row in rows)
    return [{"key": text_key, "edits": [[0, 1, "No"]]} for text_key in keys]


def _grades(grades: Mapping[str, int]) -> str:
    return "".join(f"{text_key} {grade}\n" for text_key, grade in sorted(grades.items()))


def _lines(rows: Rows) -> str:
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make all files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="a folder for the data sets")
    options = parser.parse_args(arguments)
    sentences = Sentences()
    sets = dict(data_sets(sentences))
    files = {f"{name}.jsonl": _lines(rows) for name, rows in sets.items()}
    files |= {f"texts/{name}": text for name, text in graded_texts(sets, sentences).items()}
    files["imdb/README.md"] = CARD
    for name, text in files.items():
        (options.out / name).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(options.out / name, text.encode())
    print(f"{len(files)} files")
    return 0


if __name__ == "__main__":
    run_script(main)
