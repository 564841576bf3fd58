"""Serves the page: the files of `page/`, and the card of a model.

The files are read once. Browsers keep them, and ask with the ETag (a hash) whether they have
changed. The page's addresses are relative, so it also works below a path of a proxy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache

from fastapi import APIRouter, Request, Response

from sentiment_lstm.browser_folder import CARD, INDEX, PAGE
from sentiment_lstm.serving.models import Models
from sentiment_lstm.serving.options import Options

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".svg": "image/svg+xml",
}
_Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    type: str

    @property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.content).hexdigest()[:32]}"'


def router(models: Models, options: Options) -> APIRouter:
    """Return the routes of the page; none if the options switch it off."""
    routes = APIRouter(include_in_schema=False)
    if not options.page:
        return routes
    for name, file in page_files().items():
        paths = (f"/{name}", "/") if name == INDEX else (f"/{name}",)
        for path in paths:
            routes.add_api_route(path, _sender(file), methods=["GET", "HEAD"])

    async def card(request: Request) -> Response:
        text = models.get(request.query_params.get("model")).classifier.bundle.card
        return _answer(_File(text.encode(errors="replace"), _TYPES[".md"]), request)

    routes.add_api_route(f"/{CARD}", card, methods=["GET", "HEAD"])
    return routes


def addresses(options: Options) -> frozenset[str]:
    """Return the paths of the page's files. They hold nothing secret, so they need no key."""
    return frozenset({"/", *(f"/{name}" for name in page_files())} if options.page else ())


@cache
def page_files() -> dict[str, _File]:
    """Return the page's files by name."""
    return {
        path.name: _File(path.read_bytes(), _TYPES[path.suffix])
        for path in sorted(PAGE.iterdir())
        if path.suffix in _TYPES
    }


def _sender(file: _File) -> _Handler:
    async def send(request: Request) -> Response:
        return _answer(file, request)

    return send


def _answer(file: _File, request: Request) -> Response:
    headers = {"ETag": file.etag, "Cache-Control": "no-cache"}
    known = request.headers.get("If-None-Match", "")
    if file.etag in (tag.strip().removeprefix("W/") for tag in known.split(",")):
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=file.type, headers=headers)
