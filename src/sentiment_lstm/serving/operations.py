"""The routes for operators: `/health`, `/info`, `/metrics`."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import PlainTextResponse, Response

from sentiment_lstm import __version__
from sentiment_lstm.bundle import INT8_GRAPH
from sentiment_lstm.serving.bodies import json_answer
from sentiment_lstm.serving.errors import Refused
from sentiment_lstm.serving.metrics import CONTENT_TYPE
from sentiment_lstm.serving.models import Models
from sentiment_lstm.serving.options import Options
from sentiment_lstm.serving.scorer import Scorer


class ModelInfo(BaseModel):
    """A model of the service. Only a model of several labels has thresholds."""

    name: str
    sha: str
    classes: list[str]
    multi_label: bool
    thresholds: dict[str, float] | None
    dtype: str


class Info(BaseModel):
    """The models and limits of the service, with the keys of Text Embeddings Inference."""

    model_id: str
    model_sha: str | None
    model_dtype: str
    model_type: dict[str, Any]
    max_concurrent_requests: int
    max_input_length: int
    max_batch_tokens: int
    max_batch_requests: int | None
    max_client_batch_size: int
    auto_truncate: bool
    tokenization_workers: int
    version: str
    sha: str | None
    docker_label: str | None
    payload_limit: int
    models: list[ModelInfo]


def router(models: Models, options: Options) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["Operations"])

    @routes.head("/health", include_in_schema=False)
    @routes.get("/health", summary="Check whether the service is ready", response_class=Response)
    async def health() -> Response:
        if not models.ready:
            raise Refused(
                503, "Unhealthy", "Expected a ready service, found one that starts or ends."
            )
        return Response()

    @routes.get("/info", summary="Show the models and the limits", response_model=Info)
    async def info() -> Response:
        return json_answer(_info(models, options).model_dump())

    @routes.get(
        "/metrics",
        summary="Show metrics in Prometheus's format",
        response_class=PlainTextResponse,
    )
    async def metrics() -> Response:
        return PlainTextResponse(models.metrics.text(), media_type=CONTENT_TYPE)

    return routes


def _info(models: Models, options: Options) -> Info:
    default = models.default
    labels = {str(i): label for i, label in enumerate(default.classifier.classes_)}
    ids = {label: int(i) for i, label in labels.items()}
    return Info(
        model_id=default.name,
        model_sha=models.fingerprint(default.name),
        model_dtype=_dtype(default),
        model_type={"classifier": {"id2label": labels, "label2id": ids}},
        max_concurrent_requests=options.max_concurrent_requests,
        max_input_length=options.max_input_length,
        max_batch_tokens=options.max_batch_tokens,
        max_batch_requests=None,
        max_client_batch_size=options.max_client_batch_size,
        auto_truncate=options.auto_truncate,
        tokenization_workers=options.scoring_threads,
        version=__version__,
        sha=None,
        docker_label=None,
        payload_limit=options.payload_limit,
        models=[
            _model_info(scorer, models.fingerprint(name)) for name, scorer in models.all.items()
        ],
    )


def _model_info(scorer: Scorer, sha: str) -> ModelInfo:
    return ModelInfo(
        name=scorer.name,
        sha=sha,
        classes=scorer.classifier.classes_,
        multi_label=scorer.classifier.predictor.multi_label,
        thresholds=scorer.classifier.thresholds_,
        dtype=_dtype(scorer),
    )


def _dtype(scorer: Scorer) -> str:
    return "int8" if INT8_GRAPH in scorer.classifier.bundle.graphs else "float32"
