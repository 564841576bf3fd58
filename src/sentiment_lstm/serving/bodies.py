"""Reads JSON from requests, writes it into answers, and describes it for OpenAPI."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sentiment_lstm.serving.errors import Refused

_JSON = "application/json"


async def read_json(request: Request) -> dict[str, Any]:
    """Return the object that a request holds.

    Raises:
        Refused: the body is too large (413), not JSON (400), or not an object (422), or it has
            another content type (415).
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _JSON:
        raise Refused(
            415,
            "Validation",
            f"Expected the content type {_JSON}, found {kind or 'none'}: send the header "
            f"`Content-Type: {_JSON}`.",
        )
    return json_object(await request.body())


def json_object(body: bytes) -> dict[str, Any]:
    """Return the object that bytes hold.

    Raises:
        Refused: they are not JSON (400), or not an object (422).
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        found = found_in_json(error)
        raise Refused(400, "Validation", f"Expected a body in JSON, found {found}.") from None
    if not isinstance(value, dict):
        raise Refused(422, "Validation", 'Expected a JSON object such as {"inputs": "a text"}.')
    return value


def found_in_json(error: ValueError | RecursionError) -> str:
    """Say what `json.loads` could not read."""
    if isinstance(error, RecursionError):
        return "values that are nested too deep: nest them less"
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
        return "something else"
    return "a whole number of too many digits: shorten it"


def described_body(schema: dict[str, Any], example: object) -> dict[str, Any]:
    """Return the part of the OpenAPI description that says which body a route takes."""
    content = {_JSON: {"schema": schema, "example": example}}
    return {"requestBody": {"required": True, "content": content}}


def json_answer(
    value: object, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Return an answer in JSON. A number that is not finite is an error, never an answer."""
    body = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return Response(body, status, headers, media_type=_JSON)


def error_answer(error: Refused) -> Response:
    """Return the answer that tells a client what is wrong."""
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return json_answer(error.body, error.status, headers)


def option(values: dict[str, Any], name: str, kind: type, default: Any) -> Any:  # noqa: ANN401
    """Return an optional value of a request; None stands for the default.

    Raises:
        Refused: it has another type (422).
    """
    value = values.get(name)
    if value is None:
        return default
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)  # JSON has one kind of numbers: 3.0 is 3
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        kinds = {bool: "true or false", int: "a whole number", str: "a string", dict: "an object"}
        raise Refused(422, "Validation", f'Expected "{name}" to be {kinds[kind]}.')
    return value
