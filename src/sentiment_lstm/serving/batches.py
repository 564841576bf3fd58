"""`POST /batch`: scores rows of JSON lines while they arrive.

Rows are read, scored and answered at the same time, in order. Only a few rows are in memory: if the
client takes no answers, no more rows are read. The size of a body has no limit.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sentiment_lstm.serving.bodies import found_in_json
from sentiment_lstm.serving.errors import Refused, overloaded
from sentiment_lstm.serving.models import Models
from sentiment_lstm.serving.options import Options
from sentiment_lstm.serving.scorer import Predictions, Scorer

MOST_BATCHES = 16
"""Most requests to this route at the same time, because each holds rows in memory."""
_GROUPS = 8
"""Most groups of rows that a request has in memory: being scored, or ready for the client."""
_GROUP_BYTES = 250_000
"""A group with more bytes gets no more rows. It then counts as several groups."""
_EXAMPLE = '{"id": 1, "text": "It was not bad at all."}\n{"id": 2, "text": "Dull."}\n'
_LINES = "application/x-ndjson"
_TEXT: dict[str, Any] = {"schema": {}, "example": _EXAMPLE}


def router(models: Models, options: Options) -> APIRouter:
    """Return the route."""
    routes = APIRouter(tags=["Batches"])
    running: set[Rows] = set()

    @routes.post(
        "/batch",
        summary="Score rows while they arrive",
        description=(
            "Body: JSON lines with a `text`. Answer: a line for each row, in order: the row, its "
            "`label`, `score` and `probabilities`, or `error`, `error_type` and `line`. Read the "
            "answer while you send: if you take none, the service reads no more."
        ),
        response_class=Response,
        responses={200: {"content": {_LINES: {"schema": {"type": "string"}}}}},
        openapi_extra={"requestBody": {"required": True, "content": {_LINES: _TEXT}}},
    )
    async def batch(request: Request, model: str | None = None) -> Response:
        if len(running) >= MOST_BATCHES:
            raise overloaded(MOST_BATCHES)
        return Rows(models.get(model), options, running)

    return routes


@dataclass(frozen=True, slots=True)
class _Row:
    """A line and its text, or why it cannot be scored. `number` counts from 1.

    The line is kept as bytes, because its parsed values can take 20 times as much memory.
    """

    number: int
    line: bytes = b""
    text: str = ""
    problem: Refused | None = None


_Scored = tuple[int, asyncio.Task[bytes]]
"""How many places a group takes, and its answer."""


class Rows(Response):
    """Reads a request and answers it at the same time.

    Args:
        scorer: the model.
        options: limits.
        running: all answers in progress.
    """

    media_type = _LINES

    def __init__(self, scorer: Scorer, options: Options, running: set[Rows]) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._scorer, self._options, self._running = scorer, options, running

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer until the rows end or the client goes."""
        self._running.add(self)
        try:
            await self._answer(receive, send)
        finally:
            self._running.discard(self)

    async def _answer(self, receive: Receive, send: Send) -> None:
        scored: asyncio.Queue[_Scored | None] = asyncio.Queue()
        places = asyncio.Semaphore(_GROUPS)
        reading = asyncio.create_task(self._read(receive, scored, places))
        try:
            # The answer begins after the first rows. Before, a client may wait for "100 Continue".
            group = await scored.get()
            start = {"status": self.status_code, "headers": self.raw_headers}
            await send({"type": "http.response.start", **start})
            while group is not None:
                taken, task = group
                await send({"type": "http.response.body", "body": await task, "more_body": True})
                del group, task  # they hold the answer, which may be large
                for _ in range(taken):
                    places.release()
                group = await scored.get()
            await reading  # raises if the client has gone
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            rest: list[asyncio.Task[Any]] = [reading]
            while not scored.empty():
                rest += [group[1]] if (group := scored.get_nowait()) is not None else []
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)

    async def _read(
        self,
        receive: Receive,
        scored: asyncio.Queue[_Scored | None],
        places: asyncio.Semaphore,
    ) -> None:
        """Start to score each group of rows. Wait while too many groups have no answer yet."""
        try:
            lines = Lines(self._options.payload_limit)
            async for piece in _pieces(receive):
                rows = [_parsed(number, line) for number, line in lines.of(piece)]
                for group in _groups(rows, self._options.max_client_batch_size):
                    taken = _places(group)
                    for _ in range(taken):
                        await places.acquire()
                    scored.put_nowait((taken, asyncio.create_task(self._scored(group))))
        finally:
            scored.put_nowait(None)

    async def _scored(self, rows: Sequence[_Row]) -> bytes:
        """Return the lines that answer rows."""
        good = [row for row in rows if row.problem is None]
        answers = iter(await self._answers([row.text for row in good]))
        return b"".join(_line(row, row.problem or next(answers)) for row in rows)

    async def _answers(self, texts: Sequence[str]) -> list[dict[str, Any] | Refused]:
        """Score texts. If they are refused, score each alone, so that the good ones get scores."""
        if not texts:
            return []
        try:
            return [*_new_values(await self._predicted(texts))]
        except Refused as error:
            if len(texts) == 1:
                return [error]
        return [answer for text in texts for answer in await self._answers([text])]

    async def _predicted(self, texts: Sequence[str]) -> Predictions:
        """Score texts. If the service is busy, wait: the client waits too."""
        while True:
            try:
                return await self._scorer.predict(texts)
            except Refused as error:
                if error.retry_after is None:
                    raise
                await asyncio.sleep(error.retry_after)


class Lines:
    """Cuts pieces of a body into lines.

    Args:
        most_bytes: a longer line is yielded as None; its bytes are not kept.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._start = bytearray()
        self._is_too_long = False
        self._number = 0

    def of(self, piece: bytes | None) -> Iterator[tuple[int, bytes | None]]:
        """Yield the lines that end in a piece, with their numbers. Pass None after the last piece.

        Blank lines are left out, but counted.
        """
        *whole, rest = (b"\n" if piece is None else piece).split(b"\n")
        for end in whole:
            self._add(end)
            self._number += 1
            line, too_long = bytes(self._start), self._is_too_long
            self._start, self._is_too_long = bytearray(), False
            if too_long or line.strip():
                yield self._number, None if too_long else line
        self._add(rest)

    def _add(self, part: bytes) -> None:
        if len(self._start) + len(part) > self._most_bytes:
            self._start, self._is_too_long = bytearray(), True
        elif not self._is_too_long:
            self._start += part


async def _pieces(receive: Receive) -> AsyncIterator[bytes | None]:
    """Yield the pieces of a body as they arrive, and None at its end.

    Raises:
        ClientDisconnect: the client has gone.
    """
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        yield message.get("body", b"")
        more = message.get("more_body", False)
    yield None


def _groups(rows: Sequence[_Row], most_rows: int) -> Iterator[list[_Row]]:
    """Cut rows into groups that are scored together."""
    group: list[_Row] = []
    size = 0
    for row in rows:
        group.append(row)
        size += len(row.line)
        if len(group) >= most_rows or size > _GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _places(group: Sequence[_Row]) -> int:
    """How many places a group takes."""
    return min(_GROUPS, 1 + sum(len(row.line) for row in group) // _GROUP_BYTES)


def _parsed(number: int, line: bytes | None) -> _Row:
    if line is None:
        return _bad(number, "Expected a shorter line.")
    try:
        values = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        return _bad(number, f"Expected a line of JSON, found {found_in_json(error)}.")
    if not isinstance(values, dict) or not isinstance(values.get("text"), str):
        return _bad(number, 'Expected a JSON object with a string as "text".')
    return _Row(number, line, values["text"])


def _refuse_constant(name: str) -> None:
    raise json.JSONDecodeError("Expected JSON", name, 0)


def _bad(number: int, problem: str) -> _Row:
    return _Row(number, problem=_invalid(problem))


def _invalid(problem: str) -> Refused:
    return Refused(422, "Validation", problem)


def _new_values(predictions: Predictions) -> Iterator[dict[str, Any]]:
    """Yield what is added to each row. `labels` are added if a text may have several."""
    for each in predictions:
        labels = {"labels": list(each.labels)} if predictions.multi_label else {}
        probabilities = list(each.probabilities)
        yield {"label": each.label, "score": each.score, "probabilities": probabilities, **labels}


def _line(row: _Row, answer: dict[str, Any] | Refused) -> bytes:
    """Return the line that answers a row."""
    if isinstance(answer, Refused):
        return _as_line({**answer.body, "line": row.number})
    try:
        given = json.loads(row.line)
        if taken := [name for name in answer if name in given]:
            return _line(row, _invalid(f'Expected a row without the key "{taken[0]}": rename it.'))
        return _as_line({**given, **answer})
    except (ValueError, RecursionError):  # an infinite number, or a very deep value
        problem = "Expected a row without infinite numbers or very deep values."
        return _line(row, _invalid(problem))


def _as_line(values: dict[str, Any]) -> bytes:
    return json.dumps(values, allow_nan=False).encode() + b"\n"
