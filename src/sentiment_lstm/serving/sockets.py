"""WebSocket connections that close if their clients are too slow or would fill the memory."""

from __future__ import annotations

import time
from asyncio import BaseTransport
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidMessage
from websockets.frames import CloseCode, Frame
from websockets.http11 import Request

from sentiment_lstm.serving.connections import raw_answer
from sentiment_lstm.serving.errors import Refused

_MOST_PIECES = 1000
"""A message of more pieces is refused. Each takes memory, even if it is empty."""
_NO_HANDSHAKE = Refused(
    400, "Validation", "Expected the handshake of a WebSocket, found another request: send one."
)
_TOO_LONG = Refused(
    431,
    "Validation",
    "Expected a handshake of few and short headers, found more or longer ones: leave some out.",
)


class LiveConnection(WebSocketsSansIOProtocol):
    """A WebSocket with time limits.

    The handshake has `read_timeout` seconds. A client has the same time to take what waits for it.
    """

    read_timeout = 10.0

    def connection_made(self, transport: BaseTransport) -> None:
        """Start the time for the handshake."""
        super().connection_made(transport)
        self._due = time.monotonic() + self.read_timeout
        self._stuck_since: float | None = None

    def data_received(self, data: bytes) -> None:
        """Read bytes. Refuse a handshake that the library cannot read; it would wait for more."""
        super().data_received(data)
        problem = self.conn.handshake_exc
        if problem is not None and not self.handshake_initiated:
            self._refuse(_NO_HANDSHAKE if isinstance(problem, InvalidMessage) else _TOO_LONG)

    def handle_connect(self, event: Request) -> None:
        """Answer a handshake. The library's errors are no JSON, and quote a header with the key."""
        self.conn.accept(event)
        if self.conn.handshake_exc is None:
            super().handle_connect(event)
        else:
            self._refuse(_NO_HANDSHAKE)

    def _refuse(self, error: Refused) -> None:
        self.handshake_initiated = self.handshake_complete = self.close_sent = True
        self.transport.write(raw_answer(error))
        self.transport.close()

    def pause_writing(self) -> None:
        """The client does not take the answers as fast as they come."""
        self._stuck_since = time.monotonic()
        super().pause_writing()

    def resume_writing(self) -> None:
        """The client takes answers again."""
        self._stuck_since = None
        super().resume_writing()

    def look(self, now: float, lag: float) -> None:
        """Close the connection if its client is too slow.

        Args:
            now: the time.
            lag: for how many seconds this process was too busy to read what had arrived.
        """
        self._due += lag
        if self.transport.is_closing() and self._stuck_since is None:
            self._stuck_since = now  # the last frames wait for the client
        is_stuck = self._stuck_since is not None and now > self._stuck_since + self.read_timeout
        if is_stuck or (not self.handshake_initiated and now > self._due):
            self.transport.abort()

    async def send(self, message: Any) -> None:  # noqa: ANN401
        """Send a message of the application."""
        await super().send(message)
        if self.close_sent:  # else uvicorn logs each refused handshake as an error
            self.handshake_complete = True

    def handle_ping(self) -> None:
        """Answer a ping, unless answers already wait for the client."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def handle_cont(self, event: Frame) -> None:
        """Take a piece of a message, unless it is one too many."""
        if self.close_sent:
            return
        if len(self.frames) < _MOST_PIECES:
            super().handle_cont(event)
        else:
            self.conn.fail(CloseCode.MESSAGE_TOO_BIG, "too many pieces")
            self.handle_parser_exception()
