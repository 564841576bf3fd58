"""The service as an ASGI application: its routes, and `Gate`, which checks every request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match

from sentiment_lstm import __version__
from sentiment_lstm.serving import (
    batches,
    documentation,
    explanations,
    live,
    open_inference,
    operations,
    page_routes,
    text_embeddings,
)
from sentiment_lstm.serving.bodies import error_answer
from sentiment_lstm.serving.errors import ErrorType, Refused
from sentiment_lstm.serving.limits import Gate
from sentiment_lstm.serving.logs import JsonLines
from sentiment_lstm.serving.metrics import Metrics
from sentiment_lstm.serving.models import Models
from sentiment_lstm.serving.options import Options

ROUTERS: tuple[Callable[[Models, Options], APIRouter], ...] = (
    text_embeddings.router,
    open_inference.router,
    explanations.router,
    batches.router,
    live.router,
    operations.router,
    documentation.router,
    page_routes.router,
)
_STATUSES = {
    400: "The body is not JSON, or the batch is empty.",
    401: "The key is missing or wrong.",
    403: "The request comes from a page of another origin.",
    404: "There is no such path or model.",
    405: "The path does not support this method.",
    408: "The request arrived too slowly.",
    413: "The body, the batch or a text is too large.",
    415: "The content type is not supported.",
    422: "A value is missing or not allowed.",
    424: "The model cannot score.",
    429: "Too many requests at the same time.",
    431: "The headers are too long.",
    500: "The service has a fault.",
    503: "The service is not ready, or the request has waited too long.",
}


class Error(BaseModel):
    """What is wrong, for people and for programs."""

    error: str
    error_type: ErrorType


def create_app(
    options: Options, metrics: Metrics | None = None, log: JsonLines | None = None
) -> FastAPI:
    """Return the service. Its models are loaded when it starts; `app.state.models` holds them.

    Args:
        options: what it offers and refuses.
        metrics: counters; None makes new ones.
        log: takes a line for each request; None writes none.
    """
    models = Models(options, metrics or Metrics())
    app = FastAPI(
        title="sentiment-lstm",
        version=__version__,
        description="Scores texts with a small LSTM.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # a redirected client sends its text again, perhaps unencrypted
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        lifespan=_lifespan(models, options),
        responses={
            status: {"model": Error, "description": meaning}
            for status, meaning in _STATUSES.items()
        },
    )
    app.state.models = models
    routes = [*app.routes]
    for make_router in ROUTERS:
        router = make_router(models, options)
        app.include_router(router)
        routes += router.routes
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _no_route(routes))
    app.add_middleware(
        Gate,
        models=models,
        options=options,
        metrics=models.metrics,
        log=log,
        routes=routes,
        keyless=page_routes.addresses(options) | documentation.ADDRESSES,
    )
    return app


def _lifespan(
    models: Models, options: Options
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if not models.all:
            await models.load()
        watching = asyncio.create_task(models.watch()) if options.reload_interval else None
        yield
        if watching is not None:
            watching.cancel()
        models.close()

    return lifespan


async def _refused(_: Request, error: Any) -> Response:  # noqa: ANN401
    return error_answer(error)


async def _invalid(_: Request, error: Any) -> Response:  # noqa: ANN401
    """Say which values FastAPI refused, without its own message, which may quote a value."""
    places = ", ".join(".".join(map(str, each["loc"])) for each in error.errors())
    return error_answer(Refused(422, "Validation", f"Expected valid values at {places}."))


def _no_route(routes: Sequence[BaseRoute]) -> Callable[[Request, Any], Awaitable[Response]]:
    async def answer(request: Request, error: Any) -> Response:  # noqa: ANN401
        status = error.status_code
        kind: ErrorType = "NotFound" if status == 404 else "Validation"
        allowed = _methods(routes, request) if status == 405 else []
        message = {
            404: "Expected a path of this service, found another one",
            405: f"Expected the method {' or '.join(allowed)}, found another one",
        }.get(status, error.detail)
        answer = error_answer(Refused(status, kind, f"{message}: see /docs."))
        answer.headers.update({"Allow": ", ".join(allowed)} if allowed else error.headers or {})
        return answer

    return answer


def _methods(routes: Sequence[BaseRoute], request: Request) -> list[str]:
    """Return the methods of all routes that have the path of a request."""
    matching = (each for each in routes if each.matches(request.scope)[0] != Match.NONE)
    return sorted({method for each in matching for method in getattr(each, "methods", None) or ()})
