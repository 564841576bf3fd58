"""HTTP connections that close if their clients are too slow."""

from __future__ import annotations

import asyncio
import json
import time
from http import HTTPStatus
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sentiment_lstm.serving.errors import Refused
from sentiment_lstm.serving.limits import ANSWERED, with_usual_headers

_MOST_HEADER_BYTES = 65_536
_PIECE = 4096
"""Bytes that are parsed at a time. The headers' bytes are counted in pieces of this size."""
_LEAST_BYTES_PER_SECOND = 10_000
"""A client that sends more slowly runs out of time."""
_CLOSED = Refused(
    400,
    "Validation",
    "Expected an open connection until the answer, found that the client closed its sending "
    "side: keep it open.",
)


class Connection(HttpToolsProtocol):
    """A connection that closes if its client is too slow.

    A request must arrive within `read_timeout` seconds. Each byte that arrives adds some time. A
    client has `read_timeout` seconds to take an answer that waits for it.
    """

    read_timeout = 10.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the time for the first request."""
        super().connection_made(transport)
        self.due: float | None = time.monotonic() + self.read_timeout
        """When the request must have arrived; None between requests and while the app works."""
        self.stuck_since: float | None = None
        """Since when the client has not taken an answer."""
        self._header_bytes = 0
        """Bytes since the request or its last piece of body began: headers, or trailers."""
        self._task: asyncio.Task[None] | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the work for a client that has gone."""
        answering = self._is_answering()
        super().connection_lost(exc)
        if answering and self._task is not None:
            self._task.cancel()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:  # noqa: ANN401
        if cycle.scope["http_version"] == "1.0":
            app = _without_chunks(app, cycle)
        self._task = asyncio.ensure_future(cycle.run_asgi(app))
        self._task.add_done_callback(self.tasks.discard)
        self.tasks.add(self._task)

    def data_received(self, data: bytes) -> None:
        """Give more time for each byte, and read the bytes."""
        now = time.monotonic()
        if self.due is not None:
            more = self.due + len(data) / _LEAST_BYTES_PER_SECOND
            self.due = min(more, now + self.read_timeout)
        self._feed(data)

    def _feed(self, data: bytes) -> None:
        """Read bytes, and refuse headers that are too long."""
        self._unset_keepalive_if_required()
        for start in range(0, len(data), _PIECE):
            if self.transport.is_closing():
                return
            piece = data[start : start + _PIECE]
            try:
                self.parser.feed_data(piece)
            except HttpParserUpgrade as upgrade:
                if self._should_upgrade():
                    self.handle_websocket_upgrade()
                else:
                    self._decline_upgrade(data[start + upgrade.args[0] :])
                return
            except HttpParserError as error:
                self.send_400_response(str(error))
                return
            self._header_bytes += len(piece)
            if self._header_bytes > _MOST_HEADER_BYTES:
                self.close_with(
                    431, "Expected headers of at most 64 kB, found longer ones: send less."
                )

    def _should_upgrade(self) -> bool:
        """Whether the request is the handshake of a WebSocket. It has no body."""
        return self.parser.get_method() == b"GET" and super()._should_upgrade()

    def _offers_other_protocol(self) -> bool:
        """Whether the client offers a protocol that is not supported, as Java offers HTTP/2."""
        offers = self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"
        return offers and not self._should_upgrade()

    def _decline_upgrade(self, rest: bytes) -> None:
        """Serve a request with HTTP/1.1. Parse it again without the offer, to read its body."""
        lines = [b"%s %s HTTP/1.1" % (self.parser.get_method(), self.url)]
        lines += [b"%s: %s" % (name, value) for name, value in self.headers if name != b"upgrade"]
        self.parser = HttpRequestParser(self)
        self._feed(b"\r\n".join(lines) + b"\r\n\r\n" + rest)

    def on_message_begin(self) -> None:
        """Start the time for a request."""
        super().on_message_begin()
        self._header_bytes = 0
        if self.due is None:
            self.due = time.monotonic() + self.read_timeout

    def on_headers_complete(self) -> None:
        """The headers have ended; the application starts."""
        self._header_bytes = 0
        if not self._offers_other_protocol():
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._header_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The whole request is here."""
        if not self._offers_other_protocol():
            self.due = None
            super().on_message_complete()

    def pause_writing(self) -> None:
        """The client does not take the answer as fast as it comes."""
        self.stuck_since = time.monotonic()
        super().pause_writing()

    def resume_writing(self) -> None:
        """The client takes the answer again."""
        self.stuck_since = None
        super().resume_writing()

    def eof_received(self) -> None:
        """Refuse a request if its client stops sending: it counts as gone, even if it reads."""
        if self._has_no_answer():
            self.transport.write(raw_answer(_CLOSED))
            self.scope["state"][ANSWERED] = 400
        self._end_answer()

    def look(self, now: float, lag: float) -> None:
        """Close the connection if its client is too slow.

        Args:
            now: the time.
            lag: for how many seconds this process was too busy to read what had arrived.
        """
        if self.due is not None:
            # While reading is paused, the application is slow, not the client.
            self.due = now + self.read_timeout if self.flow.read_paused else self.due + lag
        if self.transport.is_closing() and self.stuck_since is None:
            self.stuck_since = now  # the end of an answer waits for the client
        if self.stuck_since is not None and now > self.stuck_since + self.read_timeout:
            self.transport.abort()
        elif self.due is not None and now > self.due:
            self.close_with(408, "Expected the whole request sooner: send it faster.")

    def send_400_response(self, msg: str) -> None:
        """Answer bytes that are not HTTP."""
        self.close_with(400, "Expected an HTTP request, found something else.")

    def close_with(self, status: int, message: str) -> None:
        """Close the connection; first send an error, if there is a request without an answer."""
        self.due = None
        if self._has_no_answer():
            self.transport.write(raw_answer(Refused(status, "Validation", message)))
            self.scope["state"][ANSWERED] = status
        self._end_answer()
        self.transport.close()

    def _has_no_answer(self) -> bool:
        """Whether a request has come, at least in part, and no answer has begun."""
        if self._is_answering():
            return not self.cycle.response_started
        answered = None if self.cycle is None else self.cycle.scope
        return self.scope is not answered

    def _is_answering(self) -> bool:
        """Whether a request has arrived, and its answer is not complete."""
        return self.cycle is not None and not self.cycle.response_complete

    def _end_answer(self) -> None:
        """Tell the application that nobody waits for its answer."""
        if self._is_answering():
            self.cycle.disconnected = True
            self.cycle.message_event.set()


def raw_answer(error: Refused) -> bytes:
    """Return a whole answer, for an error that does not reach the application."""
    body = json.dumps(error.body).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    lines = [b"%s: %s\r\n" % header for header in with_usual_headers(headers)]
    start = b"HTTP/1.1 %d %s\r\n" % (error.status, HTTPStatus(error.status).phrase.encode())
    return start + b"".join(lines) + b"\r\n" + body


def _without_chunks(app: ASGIApp, cycle: Any) -> ASGIApp:  # noqa: ANN401
    """Send the answers of an application without chunks, which HTTP/1.0 does not know.

    The connection closes after each answer, to mark its end.
    """

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_plainly(message: Message) -> None:
            if message["type"] == "http.response.start":
                names = {name.lower() for name, _ in message.get("headers", ())}
                cycle.chunked_encoding = None if b"content-length" in names else False
            elif cycle.expected_content_length == 0:
                cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        await app(scope, receive, send_plainly)

    return run
