"""The routes of Text Embeddings Inference for classifiers: `/predict`, and `/` for Hugging Face's
clients.
"""

from __future__ import annotations

import math
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from sentiment_lstm.records import Prediction
from sentiment_lstm.serving.bodies import described_body, json_answer, option, read_json
from sentiment_lstm.serving.errors import Refused, too_many_texts
from sentiment_lstm.serving.models import Models
from sentiment_lstm.serving.options import Options
from sentiment_lstm.serving.scorer import Predictions, Truncate, truncation

_SMALLEST = 5e-324
"""Stands for a probability of 0, whose logarithm would be infinite. JSON has no infinity."""
_PAIR = (
    'Expected "inputs" to be a text or a batch, found a list of texts, which means a pair: send '
    'a batch as [["first text"], ["second text"]].'
)
_INPUTS = (
    'Expected "inputs" to be a text or a batch such as [["first text"], ["second text"]], found {}.'
)
_FIELDS = {"inputs", "raw_scores", "truncate", "truncation_direction", "model"}
_EXAMPLE = {"inputs": "It was not bad at all."}
_KINDS = {type(None): 'no "inputs"', int: "a number", float: "a number", dict: "an object"}
_DIRECTIONS: dict[str, Literal["left", "right"]] = {"left": "left", "right": "right"}
_RAW = "log-probabilities, or log-odds if a text may have several labels"
"""What raw scores are, for the description of the service."""
Scores = list[dict[str, object]]
"""The classes of one text with their scores, likeliest first."""


class LabelScore(BaseModel):
    """A class and its score."""

    score: float
    label: str


def router(models: Models, options: Options) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["Text Embeddings Inference"])

    @routes.post(
        "/predict",
        summary="Score a text or a batch",
        response_model=list[LabelScore] | list[list[LabelScore]],
        openapi_extra=described_body(_predict_schema(options), _EXAMPLE),
    )
    async def predict(request: Request) -> Response:
        values = _known(await read_json(request))
        texts, is_batch = _texts(values, options)
        scores = await _scores(models, values, texts, _truncate(values))
        return json_answer(scores if is_batch else scores[0])

    @routes.post(
        "/",
        summary="Score a text as Hugging Face's clients expect",
        response_model=list[list[LabelScore]],
        openapi_extra=described_body(_pipeline_schema(options), _EXAMPLE),
    )
    async def classify(request: Request) -> Response:
        given = await read_json(request)
        values = _known(given)
        texts, _ = _texts(values, options)
        top_k, raw = _parameters(option(given, "parameters", dict, {}))
        del given
        scores = await _scores(models, values | {"raw_scores": raw}, texts, _truncate(values))
        return json_answer([each[:top_k] for each in scores])

    return routes


def _known(values: dict[str, Any]) -> dict[str, Any]:
    """Keep only the known fields. Others would take memory while the texts wait."""
    return {name: values[name] for name in _FIELDS & values.keys()}


async def _scores(
    models: Models, values: dict[str, Any], texts: list[str], truncate: Truncate | None
) -> list[Scores]:
    scorer = models.get(option(values, "model", str, None))
    raw = option(values, "raw_scores", bool, False)
    predictions = await scorer.predict(texts, truncate)
    return [_ranked(each, predictions, raw) for each in predictions]


def _ranked(prediction: Prediction, all_: Predictions, raw: bool) -> Scores:
    several = all_.multi_label
    pairs = zip(all_.classes, prediction.probabilities, strict=True)
    ranked = sorted(pairs, key=lambda pair: -pair[1])
    return [
        {"score": _raw(score, several) if raw else score, "label": label} for label, score in ranked
    ]


def _raw(probability: float, several: bool) -> float:
    """Return a raw score: softmax turns it into the probability, or sigmoid for several labels."""
    score = math.log(max(probability, _SMALLEST))
    return score - math.log(max(1 - probability, _SMALLEST)) if several else score


def _texts(values: dict[str, Any], options: Options) -> tuple[list[str], bool]:
    """Return the texts of a request, and whether it is a batch.

    Raises:
        Refused: there are no texts (400), too many texts (413), or other values (422).
    """
    inputs = values.get("inputs")
    if isinstance(inputs, str):
        return [inputs], False
    if not isinstance(inputs, list):
        kind = _KINDS.get(type(inputs), "another value")
        raise Refused(422, "Validation", _INPUTS.format(kind))
    if not inputs:
        raise Refused(400, "Empty", "Expected at least one text, found an empty batch.")
    if all(isinstance(each, str) for each in inputs):
        raise Refused(422, "Validation", _PAIR)
    if any(isinstance(each, list) and len(each) == 2 for each in inputs):
        raise Refused(422, "Validation", _PAIR)
    texts = [each[0] for each in inputs if isinstance(each, list) and len(each) == 1]
    if len(texts) < len(inputs) or not all(isinstance(text, str) for text in texts):
        raise Refused(422, "Validation", _INPUTS.format("another list"))
    if len(texts) > options.max_client_batch_size:
        raise too_many_texts(options.max_client_batch_size, len(texts))
    return texts, True


def _truncate(values: dict[str, Any]) -> Truncate | None:
    direction = _DIRECTIONS.get(option(values, "truncation_direction", str, "right").lower())
    if direction is None:
        raise Refused(422, "Validation", 'Expected "truncation_direction" to be Left or Right.')
    return truncation(option(values, "truncate", bool, None), direction)


def _parameters(values: dict[str, Any]) -> tuple[int | None, bool]:
    """Return how many classes to give, None for all, and whether to give raw scores."""
    top_k = option(values, "top_k", int, None)
    if top_k is not None and top_k < 1:
        raise Refused(422, "Validation", 'Expected "top_k" to be at least 1.')
    function = option(values, "function_to_apply", str, "softmax")
    if function not in ("softmax", "sigmoid", "none"):
        raise Refused(
            422, "Validation", 'Expected "function_to_apply" to be softmax, sigmoid or none.'
        )
    return top_k, function == "none"


def _predict_schema(options: Options) -> dict[str, Any]:
    properties = {
        "inputs": _inputs_schema(options),
        "raw_scores": _optional("boolean", f"Return raw scores: {_RAW}."),
        "truncate": _optional("boolean", "Cut a text that is too long instead of refusing it."),
        "truncation_direction": {
            "enum": ["Left", "Right"],
            "default": "Right",
            "description": "The end that is cut.",
        },
        "model": _optional("string", "The model's name, if the service has several."),
    }
    return {
        "type": "object",
        "required": ["inputs"],
        "properties": properties,
        "example": _EXAMPLE,
    }


def _pipeline_schema(options: Options) -> dict[str, Any]:
    schema = _predict_schema(options)
    del schema["properties"]["raw_scores"]
    parameters = {
        "top_k": {"type": ["integer", "null"], "minimum": 1},
        "function_to_apply": {
            "enum": ["softmax", "sigmoid", "none", None],
            "description": f"none: {_RAW}. Otherwise the model's own function applies.",
        },
    }
    schema["properties"]["parameters"] = {
        "type": ["object", "null"],
        "properties": parameters,
        "description": "top_k: how many classes to return. function_to_apply: none for raw scores.",
    }
    return schema


def _optional(kind: str, description: str) -> dict[str, Any]:
    return {"type": [kind, "null"], "description": description}


def _inputs_schema(options: Options) -> dict[str, Any]:
    alone = {"type": "array", "minItems": 1, "maxItems": 1, "items": {"type": "string"}}
    batch = {
        "type": "array",
        "minItems": 1,
        "maxItems": options.max_client_batch_size,
        "items": alone,
    }
    return {
        "description": 'A text, or a batch such as [["first text"], ["second text"]].',
        "oneOf": [{"type": "string"}, batch],
    }
