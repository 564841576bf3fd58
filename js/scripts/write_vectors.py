"""Writes `docs/runtime_vectors.json`: texts with what each model that ships makes of them.

Run it in the repository's root after a change of the text pipeline or of a model that ships:
`python js/scripts/write_vectors.py`. `docs/runtime.md` explains the file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sentiment_lstm import SentimentClassifier
from sentiment_lstm.inference.predictor import Predictor
from sentiment_lstm.text.hashing import hash_parts

OUT = Path(__file__).parents[2] / "docs" / "runtime_vectors.json"
MODELS = ("tiny", "default")
TEXTS = (
    "",
    " \n\t ",
    "\x85",
    "\u200b",
    "It was not bad at all.",
    "Best movie ever? I don't think so.",
    "The food was great, but the service was terrible and slow.",
    "It opens at 9 and closes at 5.",
    "An absolute perfromance, diasppointing and amazzing.",
    "PERFROMANCE perfromanc\u0065\u0301 perfro\u00admance perfromance\ufe0f",
    "Recomended, definately beautifull.",
    "caf\u00e9 cafe\u0301 CAFE\u0301 n\u0303o",
    "\u0130stanbul \u0130 I \u03a3\u038a\u03a3\u03a5\u03a6\u039f\u03a3",
    "<b>Not</b> bad.<br /><br />Really<br>good",
    "I <3 it. a < b > c </3",
    "&lt;br&gt; Tom &amp; Jerry &amp;amp; it&#39;s &hellip; &quot;fine&quot;&nbsp;!",
    "See https://www.example.org/a?b=c&d=e, www.example.org. and HTTP://EXAMPLE.ORG!",
    "http\u017f://example.org xwww.example.org",
    "@reader_7 thanks! @Jos\u00e9 me@mail.example .@b @a.b @_",
    "don`t don\u2019t don\x92t \x93quoted\x94 \u201cquoted\u201d rock'n'roll 'single' it's'",
    "Well\u2014no \u2013 yes \x96 maybe\u2026 and so on\x85",
    ":-) :) ;P =D :/ http:// :'( :] ^_^ :pa :p",
    "\U0001f44d\U0001f3fd great \u2764\ufe0f \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\U0001f600\U0001f600\U0001f600 Best day!!!!",
    "8.5/10, 1,000 views, 10th of the 80's, 3.5/5!",
    "What?!?! *****six ****** ... ..... ---- ___",
    "\u2581 \u2581\u2581 \u2581the",
    "<pad> <unk> [UNK]",
    "__proto__ constructor toString",
    "\u4f60\u597d\u4e16\u754c\u3002 \u3053\u306e\u6620\u753b\u306f\u6700\u9ad8",
    "\u0e2a\u0e27\u0e31\u0e2a\u200b\u0e14\u0e35 \u0e20\u0e32\u0e1e\u0e22\u0e19\u0e15\u0e23\u0e4c",
    "\u0915\u094d\u200d\u0937 \u0645\u0640\u0645\u062a\u0627\u0632 \u05e9\u05c1\u05dc\u05d5\u05dd",
    "\u0424\u0438\u043b\u044c\u043c \u0431\u044b\u043b \u0445\u043e\u0440\u043e\u0448\u0438\u0439",
    "Der Film war wirklich nicht schlecht.",
    "Le film n'\u00e9tait pas mal du tout.",
    "\u1100\u1161\u11a8 \uac01 \u212b \u2126 \ufb01ne",
    "a\u0300\u0301\u0302b 1\u20e3 \u00bd \u2460 x\u00b2",
    "\ufeffmark \u00adsoft\u00adhyphen zero\u200bwidth wo\u2060rd",
    "\x00null \x01\x1f\x7f control",
    "line\u2028break\u2029paragraph\xa0space\u3000wide",
    "a\x1cb\x1dc\x85d",
    "lone surrogate \ud83d end",
    "\U00020000\U0002a6df \U0001d4d0\U0001d4d1",
    "<a title='one\ntwo'>link</a> <" + "x" * 210 + ">",
    "<<<<<<",
    "supercalifragilisticexpialidocious antidisestablishmentarianism",
    "x" * 120,
    "no" * 40,
    "Not good. Not bad. Not anything.",
    "I expected to hate it. I loved every minute.",
    "Nobody could call this boring.",
    "Would I watch it again? No.",
    "If only it were as good as they say.",
    "the worst of the worst of the worst " * 6,
    "A film.",
    "!",
    "?",
    "'",
    "-",
    "ok",
)
WORDS = (("not", "bad", "!"), ("caf\u00e9",), ("don't", "\U0001f600", "10th"), ("",))


def vectors() -> dict[str, Any]:
    """Return the content of the file."""
    models = {name: model_vectors(SentimentClassifier.from_pretrained(name)) for name in MODELS}
    hashed = [hash_parts([words]) for words in WORDS]
    features = [
        {"words": list(words), "hashes": each.hashes.tolist()}
        for words, each in zip(WORDS, hashed, strict=True)
    ]
    return {"texts": list(TEXTS), "models": models, "features": features}


def model_vectors(classifier: SentimentClassifier) -> dict[str, Any]:
    """Return what a model makes of each text."""
    predictor = classifier.predictor
    encoded = predictor.tokenizer.encode(TEXTS, offsets=True)
    rows = []
    for text, prediction in zip(encoded, predictor.predict(TEXTS), strict=True):
        assert text.offsets is not None
        rows.append(
            {
                "ids": text.ids.tolist(),
                "spans": text.offsets.ravel().tolist(),
                "logits": logits(predictor, text),
                "probabilities": rounded(prediction.probabilities),
                "label": prediction.label,
                "familiarity": prediction.familiarity and round(prediction.familiarity, 6),
            }
        )
    return {"classes": classifier.classes_, "texts": rows}


def logits(predictor: Predictor, text: Any) -> list[float]:  # noqa: ANN401
    """Return the logits of a text, [U]."""
    return rounded(predictor.runtime.score([text]).ravel().tolist())


def rounded(values: Any) -> list[float]:  # noqa: ANN401
    """Round numbers to six places."""
    return [round(value, 6) for value in values]


def as_text(values: dict[str, Any]) -> str:
    """Return JSON with a line for each text."""
    lines = json.dumps(values, separators=(",", ":"))
    return lines.replace('{"ids"', '\n{"ids"').replace('{"words"', '\n{"words"') + "\n"


if __name__ == "__main__":
    OUT.write_text(as_text(vectors()), encoding="utf-8")
