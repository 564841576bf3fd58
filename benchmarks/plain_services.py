"""Services as one writes them in ten minutes, for `benchmarks/serve.py` to compare with.

`python benchmarks/plain_services.py NAME PORT` runs one on this machine until a signal ends it:

- `distilbert`: DistilBERT's architecture with random weights, at most 512 tokens a text. It has
  the speed of any fine-tuned one. Words and punctuation marks count as tokens; its own tokenizer
  would cut some words into several, so the real one is a little slower.
- `unbatched`: a bundle of this package, one text at a time in FastAPI's threads.
"""

from __future__ import annotations

import re
import sys
import zlib
from collections.abc import Callable, Sequence

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

HOST = "127.0.0.1"
MOST_TOKENS = 512
_TOKENS = re.compile(r"\w+|[^\w\s]")
Scores = list[dict[str, str | float]]


class Body(BaseModel):
    """What a client sends."""

    inputs: str


def distilbert() -> Callable[[str], Scores]:
    """Return a function that scores a text with DistilBERT's architecture."""
    import torch
    from transformers import DistilBertConfig, DistilBertForSequenceClassification

    config = DistilBertConfig()  # with two labels, as usual
    model = DistilBertForSequenceClassification(config).eval()

    def score(text: str) -> Scores:
        words = _TOKENS.findall(text.lower())[:MOST_TOKENS] or ["."]
        ids = torch.tensor([[zlib.crc32(word.encode()) % config.vocab_size for word in words]])
        with torch.inference_mode():
            probabilities = model(ids).logits[0].softmax(dim=0).tolist()
        return [
            {"label": name, "score": each}
            for name, each in zip(("negative", "positive"), probabilities, strict=True)
        ]

    return score


def unbatched() -> Callable[[str], Scores]:
    """Return a function that scores a text with the shipped bundle, alone."""
    from sentiment_lstm import SentimentClassifier

    classifier = SentimentClassifier.from_pretrained("default")
    return lambda text: [
        {"label": str(each["label"]), "score": float(each["score"] or 0)}
        for each in classifier(text, top_k=None)
    ]


SCORERS = {"distilbert": distilbert, "unbatched": unbatched}


def main(arguments: Sequence[str]) -> None:
    """Run a service."""
    name, port = arguments
    app = FastAPI()
    score = SCORERS[name]()
    score("It was not bad at all.")

    @app.post("/predict")
    def predict(body: Body) -> Scores:
        return score(body.inputs)

    uvicorn.run(app, host=HOST, port=int(port), log_level="warning")


if __name__ == "__main__":
    main(sys.argv[1:])
