"""HTTP connections that close if their clients are too slow."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sentiment_lstm.serving.errors import Refused
from sentiment_lstm.serving.limits import ANSWERED, SECURITY_HEADERS

_MOST_HEADER_BYTES = 65_536
_LEAST_BYTES_PER_SECOND = 10_000
"""A client that sends more slowly runs out of time."""
_CLOSED = Refused(
    400,
    "Validation",
    "Expected an open connection until the answer, found that the client closed its sending "
    "side: keep it open.",
)
_REASONS = {400: b"Bad Request", 408: b"Request Timeout", 431: b"Request Header Fields Too Large"}


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
        self._header_bytes: int | None = None
        self._task: asyncio.Task[None] | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the work for a client that has gone."""
        answering = self._is_answering()
        super().connection_lost(exc)
        if answering and self._task is not None:
            self._task.cancel()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:  # noqa: ANN401
        self._task = asyncio.ensure_future(cycle.run_asgi(app))
        self._task.add_done_callback(self.tasks.discard)
        self.tasks.add(self._task)

    def data_received(self, data: bytes) -> None:
        """Give more time for each byte, and refuse headers that are too long."""
        now = time.monotonic()
        if self.due is not None:
            more = self.due + len(data) / _LEAST_BYTES_PER_SECOND
            self.due = min(more, now + self.read_timeout)
        self._feed(data)
        if self._header_bytes is not None and not self.transport.is_closing():
            self._header_bytes += len(data)
            if self._header_bytes > _MOST_HEADER_BYTES:
                self.close_with(431, "Expected shorter headers.")

    def _feed(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            if self._should_upgrade():
                self.handle_websocket_upgrade()
            else:
                self._decline_upgrade(data[upgrade.args[0] :])
        except HttpParserError as error:
            self.send_400_response(str(error))

    def _offers_other_protocol(self) -> bool:
        """Whether the client offers a protocol that is not supported, as Java offers HTTP/2."""
        offers = self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"
        return offers and not self._should_upgrade()

    def _decline_upgrade(self, rest: bytes) -> None:
        """Serve a request with HTTP/1.1. Parse it again without the offer, to read its body."""
        lines = [b"%s %s HTTP/1.1" % (self.parser.get_method(), self.url)]
        lines += [
            b"%s: %s" % (name, value)
            for name, value in self.headers
            if name not in (b"upgrade", b"connection")
        ]
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
        self._header_bytes = None
        if not self._offers_other_protocol():
            super().on_headers_complete()

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
        """Refuse a request whose client stops sending. It counts as gone, even if it reads."""
        waits = self._is_answering() and not self.cycle.response_started
        if self._header_bytes is not None or waits:
            self.transport.write(_raw_answer(_CLOSED))
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
        has_begun = self._is_answering() and self.cycle.response_started
        if self.scope is not None and not has_begun:
            self.transport.write(_raw_answer(Refused(status, "Validation", message)))
            self.scope["state"][ANSWERED] = status
        self._end_answer()
        self.transport.close()

    def _is_answering(self) -> bool:
        """Whether a request has arrived, and its answer is not complete."""
        return self.cycle is not None and not self.cycle.response_complete

    def _end_answer(self) -> None:
        """Tell the application that nobody waits for its answer."""
        if self._is_answering():
            self.cycle.disconnected = True
            self.cycle.message_event.set()


def _raw_answer(error: Refused) -> bytes:
    body = json.dumps(error.body).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        *SECURITY_HEADERS,
    ]
    lines = [b"%s: %s\r\n" % header for header in headers]
    return b"HTTP/1.1 %d %s\r\n%s\r\n%s" % (
        error.status,
        _REASONS[error.status],
        b"".join(lines),
        body,
    )
