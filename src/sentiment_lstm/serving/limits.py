"""The middleware before all routes. It refuses requests, and adds headers to every answer."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import NamedTuple

from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from sentiment_lstm.serving.bodies import error_answer
from sentiment_lstm.serving.errors import Refused, overloaded
from sentiment_lstm.serving.keys import Key
from sentiment_lstm.serving.logs import JsonLines
from sentiment_lstm.serving.metrics import Metrics
from sentiment_lstm.serving.models import Models
from sentiment_lstm.serving.options import Options

_logger = logging.getLogger(__name__)
PUBLIC = frozenset({"/health", "/v2/health/live", "/v2/health/ready"})
"""Paths that need no key and have no limits."""
STREAMED = frozenset({"/batch"})
"""Paths whose bodies may have any size, because they are read piece by piece."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_READING = ("GET", "HEAD")
_CLIENT_GONE = 499
ANSWERED = "sentiment_lstm.answered"
"""In a request's state: the status with which its connection has answered, such as 408."""
_KEPT_ALIVE = 65_536
"""If more bytes of a refused body are unread, the connection is closed."""
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = (
    (b"content-security-policy", CONTENT_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
_CLOSE = (b"connection", b"close")
_NO_STORE = (b"cache-control", b"no-store")


class _Asked(NamedTuple):
    """The headers of a request that are checked."""

    length: int
    authorization: bytes
    origin: bytes
    host: bytes


class Gate:
    """Checks the number of requests, and the key, origin and size of each. Counts and logs them.

    Without a key, a service that only listens on this machine answers only requests to this
    machine's addresses and to `options.allowed_hosts`.

    Args:
        app: the application.
        models: tells whether the service is ending.
        options: limits.
        metrics: counters.
        log: takes a line for each request; None writes none.
        routes: all routes; a refused request is counted under its route.
        keyless: paths that may be read without the key.
    """

    def __init__(
        self,
        app: ASGIApp,
        models: Models,
        options: Options,
        metrics: Metrics,
        log: JsonLines | None,
        routes: Sequence[BaseRoute],
        keyless: frozenset[str],
    ) -> None:
        self._app, self._models, self._options = app, models, options
        self._metrics, self._log = metrics, log
        self._key = None if options.api_key is None else Key(options.api_key)
        self._routes, self._keyless = routes, keyless
        self._is_private = self._key is None and options.only_this_machine
        self._hosts = {name.lower().encode() for name in options.allowed_hosts}
        self._active = 0
        self._sockets = 0
        self._waiting_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, one WebSocket or the application's lifespan."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = time.perf_counter()
        exchange = _Exchange(self, scope, receive, send)
        self._active += 1
        self._metrics.in_flight.inc()
        try:
            self._check(scope, _asked(scope))
            await self._app(scope, exchange.receive, exchange.send)
        except (ClientDisconnect, asyncio.CancelledError):
            pass  # counted below
        except Refused as error:
            await exchange.refuse(error)
        except Exception:
            _logger.exception("A request failed.")
            message = "Expected an answer, found an error: see the log."
            await exchange.refuse(Refused(500, "Backend", message))
        finally:
            self._active -= 1
            self._waiting_bytes -= exchange.bytes
            self._metrics.in_flight.dec()
            self._count(scope, exchange, time.perf_counter() - start)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if self._models.draining:
                raise Refused(503, "Unhealthy", "Expected a ready service, found one that ends.")
            if self._sockets >= self._options.max_concurrent_requests:
                raise overloaded(self._options.max_concurrent_requests)
            self._check_client(scope, _asked(scope))
            if all(each.matches(scope)[0] == Match.NONE for each in self._routes):
                raise Refused(
                    404,
                    "NotFound",
                    "Expected the WebSocket /stream, found another path: correct it.",
                )
        except Refused as error:
            await receive()
            await refuse_websocket(error, send)
            return
        self._sockets += 1
        self._metrics.websockets.inc()
        try:
            with suppress(WebSocketDisconnect):  # a client may go at any time
                await self._app(scope, receive, send)
        finally:
            self._sockets -= 1
            self._metrics.websockets.dec()

    def _check(self, scope: Scope, asked: _Asked) -> None:
        """Refuse a request by its headers.

        Raises:
            Refused: there are too many requests (429), the key is wrong (401), the page has another
                origin (403), or the body is too large (413).
        """
        if scope["path"] in PUBLIC:
            return
        if self._active > self._options.max_concurrent_requests and scope["path"] != "/metrics":
            raise overloaded(self._options.max_concurrent_requests)
        self._check_client(scope, asked)
        if asked.length > self._options.payload_limit and scope["path"] not in STREAMED:
            raise self._too_large()

    def _check_client(self, scope: Scope, asked: _Asked) -> None:
        is_public = scope.get("method") in _READING and scope["path"] in self._keyless
        if not (self._key is None or is_public or self._key.is_sent(scope, asked.authorization)):
            raise Refused(
                401, "Unauthorized", "Expected the header `Authorization: Bearer KEY` with the key."
            )
        # DNS rebinding: a site whose domain points to this machine could send it requests.
        if self._is_private and _is_domain(asked.host) and _name(asked.host) not in self._hosts:
            raise Refused(
                403,
                "Unauthorized",
                "Expected the address of this machine in the header `Host`, found another name: "
                "see --allowed-host.",
            )
        # A browser sends the origin of the page. Pages of other origins are refused.
        if asked.origin and asked.origin.partition(b"://")[2] != asked.host:
            raise Refused(
                403, "Unauthorized", "Expected a page of this service, found one of another origin."
            )

    def _too_large(self) -> Refused:
        """The error for a body over the limit."""
        most = self._options.payload_limit
        return Refused(
            413, "Validation", f"Expected a body of at most {most} bytes, found a larger one."
        )

    def add_bytes(self, exchange: _Exchange, number: int) -> None:
        """Count bytes of a body that is held in memory.

        Raises:
            Refused: the body is too large (413), or all bodies together are (429).
        """
        exchange.bytes += number
        self._waiting_bytes += number
        if exchange.bytes > self._options.payload_limit:
            raise self._too_large()
        is_alone = self._waiting_bytes == exchange.bytes
        if self._waiting_bytes > self._options.max_waiting_bytes and not is_alone:
            raise overloaded(self._active)

    @property
    def draining(self) -> bool:
        """Whether the service is ending. Each connection is then closed after its answer."""
        return self._models.draining

    def _count(self, scope: Scope, exchange: _Exchange, seconds: float) -> None:
        route = self._route(scope)
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        status = exchange.status or scope.get("state", {}).get(ANSWERED, _CLIENT_GONE)
        self._metrics.requests.labels(method, route, status).inc()
        self._metrics.request_seconds.labels(route).observe(seconds)
        if self._log is not None:
            self._log.write(
                "request", method=method, route=route, status=status, seconds=round(seconds, 6)
            )

    def _route(self, scope: Scope) -> str:
        """The path of the route, such as `/v2/models/{name}`: metrics need few different ones."""
        route = scope.get("route")  # none if the request was refused before its route was looked up
        matching = (each for each in self._routes if each.matches(scope)[0] != Match.NONE)
        return getattr(route or next(matching, None), "path", "other")


class _Exchange:
    """One request and its answer."""

    def __init__(self, gate: Gate, scope: Scope, receive: Receive, send: Send) -> None:
        self._gate, self._scope = gate, scope
        self._receive, self._send = receive, send
        self._streamed = scope["path"] in STREAMED
        self._all_read = False
        self.bytes = 0
        self.status: int | None = None

    async def receive(self) -> Message:
        """Pass on a piece of the body, unless the body is too large."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._all_read = not message.get("more_body", False)
            if not self._streamed and (body := message.get("body", b"")):
                self._gate.add_bytes(self, len(body))
        return message

    async def send(self, message: Message) -> None:
        """Pass on a piece of the answer. The headers of every answer are added to its start."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = with_usual_headers(message.get("headers", ()))
            if self._gate.draining or self._closes(message["status"]):
                headers.append(_CLOSE)
            message = {**message, "headers": headers}
        await self._send(message)

    async def refuse(self, error: Refused) -> None:
        """Answer with an error, if the answer has not begun."""
        if self.status is None:
            await error_answer(error)(self._scope, self._receive, self.send)

    def _closes(self, status: int) -> bool:
        """Whether the connection closes, because too much of a refused body is unread."""
        if status < 400 or self._all_read:
            return False
        asked = _asked(self._scope)
        return status == 413 or not 0 <= asked.length <= _KEPT_ALIVE


def with_usual_headers(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Add the headers of every answer. Nobody stores an answer that does not allow it."""
    all_headers = [*headers, *SECURITY_HEADERS]
    if not any(name == b"cache-control" for name, _ in all_headers):
        all_headers.append(_NO_STORE)
    return all_headers


async def refuse_websocket(error: Refused, send: Send) -> None:
    """Answer a handshake with an error instead of a connection."""
    answer = error_answer(error)
    headers = with_usual_headers(answer.raw_headers)
    await send(
        {"type": "websocket.http.response.start", "status": error.status, "headers": headers}
    )
    await send({"type": "websocket.http.response.body", "body": answer.body})


def _asked(scope: Scope) -> _Asked:
    values = {b"content-length": b"", b"authorization": b"", b"origin": b"", b"host": b""}
    chunked = False
    for name, value in scope["headers"]:
        if name in values:
            values[name] = value
        elif name == b"transfer-encoding":
            chunked = True
    length = values[b"content-length"]
    number = int(length) if length.isdigit() else (-1 if chunked else 0)
    return _Asked(number, values[b"authorization"], values[b"origin"], values[b"host"])


def _is_domain(host: bytes) -> bool:
    """Whether a header `Host` names a domain, which anybody may own, instead of a machine."""
    name = _name(host)
    with suppress(ValueError):
        ip_address(name.decode("latin-1").strip("[]"))
        return False
    return b"." in name and not name.endswith(b".localhost")


def _name(host: bytes) -> bytes:
    """The lower-case name in a header `Host`, without the port."""
    return re.sub(rb":\d*$", b"", host).rstrip(b".").lower()
