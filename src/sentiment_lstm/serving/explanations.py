"""`POST /explain`: which words and phrases moved a text's score."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.inference.editing import CHARACTERS_PER_TOKEN
from sentiment_lstm.serving.bodies import described_body, json_answer, option, read_json
from sentiment_lstm.serving.errors import Refused, overloaded, too_late
from sentiment_lstm.serving.models import Models
from sentiment_lstm.serving.options import Options

MOST_TOKENS = 1_000
"""Longer texts are refused. An explanation takes about 3 ms for each token."""
MOST_WAITING = 16
"""Most explanations at the same time. More are refused, so that texts still get scores."""


class ExplainRequest(BaseModel):
    """A text to explain."""

    inputs: str = Field(description="One text.", examples=["It was not bad at all."])
    label: str | None = Field(None, description="The class to explain; null: the likeliest one.")
    against: str | None = Field(None, description="Another class, to compare with the label.")
    model: str | None = Field(None, description="The model's name; null: the first model.")


class Part(BaseModel):
    """A word or a phrase."""

    text: str
    start: int = Field(description="The position of the first character, in code points.")
    end: int
    attribution: float = Field(
        description="How far it moved the score. Positive: it supports the label."
    )


class ExplainResponse(BaseModel):
    """Which words and phrases moved the score."""

    label: str | None = Field(description="The class that is explained; null for an empty text.")
    against: str | None
    score: float | None = Field(
        description="The label's probability, or its lead over the class `against`."
    )
    method: str
    classes: list[str]
    words: list[Part]
    phrases: list[Part]
    completeness_error: float | None = Field(
        description="The words' attributions should add up to the score minus the score of a "
        "neutral text. This is the difference."
    )


_EXAMPLE = {"inputs": "It was not bad at all."}


def router(models: Models, options: Options) -> APIRouter:
    """Return the route of explanations."""
    routes = APIRouter()
    # Explanations are slow. With several threads, one is always left to scoring.
    turns = asyncio.Semaphore(max(1, options.scoring_threads - 1))
    waiting = 0

    @routes.post(
        "/explain",
        summary="Show which words moved a score",
        response_model=ExplainResponse,
        openapi_extra=described_body(ExplainRequest.model_json_schema(), _EXAMPLE),
    )
    async def explain(request: Request) -> Response:
        nonlocal waiting
        values = await read_json(request)
        scorer = models.get(option(values, "model", str, None))
        known = {name: values.get(name) for name in ("inputs", "label", "against")}
        del values  # the rest would take memory while the text waits
        if waiting >= MOST_WAITING:
            raise overloaded(MOST_WAITING)
        waiting += 1
        try:
            async with _turn(turns, options.deadline):
                return json_answer(await scorer.run(explained, scorer.classifier, known))
        finally:
            waiting -= 1

    return routes


@asynccontextmanager
async def _turn(turns: asyncio.Semaphore, deadline: float) -> AsyncIterator[None]:
    """Wait for a turn.

    Raises:
        Refused: it has waited until the deadline (503).
    """
    try:
        async with asyncio.timeout(deadline):
            await turns.acquire()
    except TimeoutError:
        raise too_late(deadline) from None
    try:
        yield
    finally:
        turns.release()


def explained(classifier: SentimentClassifier, values: dict[str, Any]) -> dict[str, Any]:
    """Explain the text of a request, as values of `ExplainResponse`. Runs in a thread.

    Raises:
        Refused: there is no text, or it is too long.
        UsageError: `label` or `against` is not a class of the model.
    """
    text = option(values, "inputs", str, None)
    if text is None:
        raise Refused(422, "Validation", 'Expected "inputs" to be one text, found none.')
    if len(text) > CHARACTERS_PER_TOKEN * MOST_TOKENS:
        raise _too_long(f"{len(text):,} characters")
    (encoded,) = classifier.predictor.tokenizer.encode([text])
    if len(encoded.ids) > MOST_TOKENS:
        raise _too_long(f"{len(encoded.ids):,}")
    label, against = (option(values, name, str, None) for name in ("label", "against"))
    explanation = classifier.explain(text, against, label=label)
    is_empty = explanation.is_empty
    words = () if is_empty else explanation.tokens
    return {
        "label": None if is_empty else explanation.label,
        "against": explanation.against,
        "score": None if is_empty else explanation.score,
        "method": explanation.method,
        "classes": list(explanation.classes),
        "words": [asdict(word) for word in words],
        "phrases": [asdict(phrase) for phrase in explanation.phrases],
        "completeness_error": explanation.completeness_error,
    }


def _too_long(found: str) -> Refused:
    return Refused(
        413,
        "Validation",
        f"Expected a text of at most {MOST_TOKENS:,} tokens to explain, found {found}: send a part "
        "of it.",
    )
