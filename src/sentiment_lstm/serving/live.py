"""`WS /stream`: scores a text after each token while it is typed.

The client sends the whole text after each change. The server answers with the steps that changed.
Only the handshake uses HTTP.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketDisconnect

from sentiment_lstm.inference.editing import CHARACTERS_PER_TOKEN, EditedStep, EditedText, Update
from sentiment_lstm.inference.predictor import Predictor
from sentiment_lstm.serving.bodies import found_in_json
from sentiment_lstm.serving.errors import Refused
from sentiment_lstm.serving.keys import chosen_subprotocol
from sentiment_lstm.serving.limits import refuse_websocket
from sentiment_lstm.serving.models import Models
from sentiment_lstm.serving.options import Options
from sentiment_lstm.serving.scorer import Scorer

IDLE_SECONDS = 600.0
"""A client that sends no frame for this time is disconnected. It may connect again."""
_GOING_AWAY = 1001
_GONE = (WebSocketDisconnect, OSError, RuntimeError)
"""What a connection raises when the client has gone. `OSError` includes a timeout."""


def router(models: Models, options: Options) -> APIRouter:
    """Return the route of the stream."""
    routes = APIRouter()

    @routes.websocket("/stream")
    async def stream(socket: WebSocket, model: str | None = None) -> None:
        try:
            scorer = models.get(model)
        except Refused as error:
            await socket.receive()
            await refuse_websocket(error, socket.send)
        else:
            await Conversation(socket, scorer, options).hold()

    return routes


@dataclass(frozen=True, slots=True)
class _Frame:
    """What a client sends. `version` comes back with the answer."""

    version: int
    text: str


class Conversation:
    """One connection: reads frames and answers the newest one.

    Args:
        socket: the connection, not yet accepted.
        scorer: the model.
        options: limits.
    """

    def __init__(self, socket: WebSocket, scorer: Scorer, options: Options) -> None:
        self._socket, self._scorer, self._options = socket, scorer, options
        self._newest: _Frame | None = None  # only until it is answered: it may be large
        self._arrived = asyncio.Event()
        self._reader: tuple[Predictor, EditedText] | None = None

    async def hold(self) -> None:
        """Answer until the client goes."""
        await self._socket.accept(chosen_subprotocol(self._socket.scope["subprotocols"]))
        answering = asyncio.create_task(self._answer_frames())
        try:
            await self._receive_frames()
        except _GONE:
            pass
        finally:
            answering.cancel()
            with suppress(asyncio.CancelledError, *_GONE):
                await answering

    async def _receive_frames(self) -> None:
        """Keep the newest good frame; answer bad ones. Returns when the client has gone."""
        while await self._receive_frame():
            pass

    async def _receive_frame(self) -> bool:
        """Receive a frame. It may be large, so nothing holds it while the next one is awaited."""
        try:
            message = await asyncio.wait_for(self._socket.receive(), IDLE_SECONDS)
        except TimeoutError:
            await self._close("no frame for a long time")
            return False
        if message["type"] == "websocket.disconnect":
            return False
        try:
            self._newest = _parsed(message.get("text"), self._options)
        except _BadFrameError as bad:
            await self._send(_error(bad.version, bad.refused))
        else:
            self._arrived.set()
        return True

    async def _answer_frames(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            frame, self._newest = self._newest, None
            assert frame is not None
            try:
                answer = await self._scorer.run(self._answer, frame)
            except Refused as error:
                answer = _error(frame.version, error)
            del frame
            await self._send(answer)

    def _answer(self, frame: _Frame) -> str:
        """Read the text and return the answer as JSON. Runs in a thread."""
        predictor = self._scorer.classifier.predictor
        if self._reader is None or self._reader[0] is not predictor:  # the bundle was replaced
            reader = EditedText(predictor, self._options.max_input_length)
            self._reader = predictor, reader
        update = self._reader[1].update(frame.text)
        answer = values_of(
            frame.version, update, predictor.classes, multi_label=predictor.multi_label
        )
        return json.dumps(answer, allow_nan=False)

    async def _send(self, text: str) -> None:
        """Send a frame. A client that does not take it in time is disconnected."""
        try:
            await asyncio.wait_for(self._socket.send_text(text), self._options.read_timeout)
        except TimeoutError:
            await self._close("no answer was taken for a long time")
            raise

    async def _close(self, reason: str) -> None:
        with suppress(*_GONE):
            await asyncio.wait_for(
                self._socket.close(_GOING_AWAY, reason), self._options.read_timeout
            )


def values_of(
    version: int, update: Update, classes: tuple[str, ...], *, multi_label: bool = False
) -> dict[str, Any]:
    """Return the answer to a frame as JSON values, with `labels` if a text may have several."""
    whole = update.prediction
    return {
        "version": version,
        "from": update.first_changed,
        "steps": [_step(step) for step in update.steps],
        "label": whole.label,
        "score": whole.score,
        "probabilities": list(whole.probabilities),
        "classes": list(classes),
        "familiarity": whole.familiarity,
        **({"labels": list(whole.labels)} if multi_label else {}),
    }


def _step(step: EditedStep) -> dict[str, Any]:
    return {
        "text": step.text,
        "start": step.start,
        "end": step.end,
        "label": step.label,
        "score": step.score,
        "probabilities": step.probabilities.tolist(),
        "forget": round(step.forget, 4),
    }


def _error(version: int | None, error: Refused) -> str:
    return json.dumps({"version": version, **error.body})


class _BadFrameError(Exception):
    """A frame that cannot be answered. `version`: its number, if it can be read."""

    def __init__(self, version: int | None, error: Refused) -> None:
        super().__init__(error.message)
        self.version, self.refused = version, error


def _parsed(frame: str | None, options: Options) -> _Frame:
    """Read a frame.

    Raises:
        _BadFrameError: it is not a valid frame, or too long.
    """
    if frame is None:
        raise _bad("Expected a text frame of JSON, found a binary one.")
    if len(frame) > options.payload_limit:
        raise _bad(
            f"Expected a frame of at most {options.payload_limit} bytes, found a longer one."
        )
    try:
        values = json.loads(frame)
    except (ValueError, RecursionError) as error:
        found = found_in_json(error)
        message = f'Expected JSON such as {{"version": 1, "text": "..."}}, found {found}.'
        raise _bad(message) from None
    version = values.get("version") if isinstance(values, dict) else None
    if not isinstance(version, int) or isinstance(version, bool):
        raise _bad('Expected a whole number as "version", found none: number the frames.')
    if not isinstance(values.get("text"), str):
        raise _bad('Expected the whole text as "text", found none: send a string.', version)
    most = CHARACTERS_PER_TOKEN * options.max_input_length
    if len(values["text"]) > most:
        message = f"Expected a text of at most {most:,} characters, found more: send a part of it."
        raise _bad(message, version)
    return _Frame(version, values["text"])


def _bad(message: str, version: int | None = None) -> _BadFrameError:
    return _BadFrameError(version, Refused(422, "Validation", message))
