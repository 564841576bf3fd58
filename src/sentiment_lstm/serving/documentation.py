"""The route `/docs`: a page about the routes, made from the OpenAPI description."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from sentiment_lstm.pages import STYLE, render
from sentiment_lstm.serving.models import Models
from sentiment_lstm.serving.options import Options

ADDRESSES = frozenset({"/docs", "/docs/style.css", "/openapi.json"})
"""They describe the package, so they need no key."""


def router(models: Models, options: Options) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/docs")
    async def docs(request: Request) -> Response:
        return HTMLResponse(documentation_page(request.app.openapi()))

    @routes.get("/docs/style.css")
    async def style() -> Response:
        return Response(STYLE.read_bytes(), media_type="text/css")

    return routes


def documentation_page(description: Mapping[str, Any]) -> str:
    """Return the page, HTML.

    Args:
        description: the service's OpenAPI description.
    """
    operations = [
        _operation(method, path, values)
        for path, methods in description["paths"].items()
        for method, values in methods.items()
    ]
    tags = dict.fromkeys(each["tag"] for each in operations)
    groups = {tag: [each for each in operations if each["tag"] == tag] for tag in tags}
    return render("service.html", info=description["info"], groups=groups)


def _operation(method: str, path: str, values: Mapping[str, Any]) -> dict[str, Any]:
    content = values.get("requestBody", {}).get("content", {})
    kind = next(iter(content), "")
    body = content.get(kind, {})
    schema = body.get("schema", {})
    return {
        "method": method.upper(),
        "path": path,
        "tag": values.get("tags", ["Other"])[0],
        "summary": values.get("summary", ""),
        "description": values.get("description", ""),
        "kind": kind,
        "example": json.dumps(body["example"]) if "example" in body else "",
        "fields": [
            {
                "name": name,
                "kind": _kind(field),
                "required": name in schema.get("required", ()),
                "description": field.get("description", ""),
            }
            for name, field in schema.get("properties", {}).items()
        ],
        "answers": {status: each["description"] for status, each in values["responses"].items()},
    }


def _kind(field: Mapping[str, Any]) -> str:
    if "enum" in field:
        return " or ".join(map(json.dumps, field["enum"]))
    kinds = [field, *field.get("oneOf", ()), *field.get("anyOf", ())]
    names: list[str] = []
    for each in kinds:
        kind = each.get("type", [])
        names += [kind] if isinstance(kind, str) else kind
    return " or ".join(dict.fromkeys(names))
