"""The Open Inference Protocol, version 2, over HTTP. KServe, Triton and Seldon use it, too.

A request has one input, `text`. The outputs are `label` and `probabilities`. The specification is
kserve/open-inference-protocol, `inference_rest.md`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Response
from pydantic import BaseModel, BeforeValidator, Field, ValidationError
from starlette.requests import Request

from sentiment_lstm import __version__
from sentiment_lstm.serving.bodies import described_body, json_answer, read_json
from sentiment_lstm.serving.errors import Refused, too_many_texts
from sentiment_lstm.serving.models import Models
from sentiment_lstm.serving.options import Options
from sentiment_lstm.serving.scorer import Predictions, Scorer, Truncate, truncation

PLATFORM = "sentiment_lstm_bundle"
TEXT, LABEL, PROBABILITIES = "text", "label", "probabilities"
BYTES, FP64 = "BYTES", "FP64"
_BINARY = {"binary_data_size", "binary_data", "binary_data_output"}
"""Parameters for binary tensors, an extension that this service does not support."""
_MOST_PARAMETERS = 100


def _few(values: object) -> object:
    if isinstance(values, dict) and len(values) > _MOST_PARAMETERS:
        raise ValueError("too many")
    return values


# pydantic takes 1 kB and 15 us for each mistake: few parameters, and lists stop at the first.
Parameters = Annotated[dict[str, bool | int | float | str], BeforeValidator(_few)]


class Live(BaseModel):
    """Whether the service runs."""

    live: bool


class Ready(BaseModel):
    """Whether all models can score."""

    live: bool
    ready: bool


class ModelReady(BaseModel):
    """Whether a model can score."""

    name: str
    ready: bool


class Server(BaseModel):
    """The service."""

    name: str
    version: str
    extensions: list[str]


class TensorInfo(BaseModel):
    """The name, type and shape of a tensor; -1 stands for any size."""

    name: str
    datatype: str
    shape: list[int]
    parameters: Parameters | None = None


class ModelInfo(BaseModel):
    """A model."""

    name: str
    platform: str
    inputs: list[TensorInfo]
    outputs: list[TensorInfo]


class Input(BaseModel):
    """A tensor of the request."""

    name: str = Field(description=f"`{TEXT}`", examples=[TEXT])
    shape: list[int] = Field(fail_fast=True, description="[N] or [N, 1]", examples=[[1]])
    datatype: str = Field(description=f"`{BYTES}`", examples=[BYTES])
    parameters: Parameters | None = None
    data: list[Any] = Field(
        description="N texts, flat or nested as the shape.", examples=[["It was not bad at all."]]
    )


class RequestedOutput(BaseModel):
    """The name of an output to return."""

    name: str = Field(description=f"`{LABEL}` or `{PROBABILITIES}`", examples=[LABEL])
    parameters: Parameters | None = None


class InferenceRequest(BaseModel):
    """Texts to score."""

    id: str | None = Field(None, description="The answer has the same id.")
    parameters: Parameters | None = Field(
        None, description="`truncate`: true cuts long texts; `truncation_direction`: Left or Right."
    )
    inputs: list[Input] = Field(fail_fast=True)
    outputs: list[RequestedOutput] | None = Field(
        None, fail_fast=True, max_length=2, description="The outputs to return; null: all."
    )


class Output(BaseModel):
    """A tensor of the answer."""

    name: str
    datatype: str
    shape: list[int]
    parameters: Parameters | None = None
    data: list[str | float] = Field(description="The values, row after row.")


class InferenceResponse(BaseModel):
    """The scores of the texts."""

    model_name: str
    id: str | None = None
    outputs: list[Output]


_EXAMPLE = {
    "inputs": [{"name": TEXT, "shape": [1], "datatype": BYTES, "data": ["It was not bad at all."]}]
}


def _inlined(schema: Any, parts: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Replace references by their schemas, because OpenAPI would not find them here."""
    if isinstance(schema, list):
        return [_inlined(each, parts) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(parts[schema["$ref"].rpartition("/")[2]], parts)
    return {name: _inlined(each, parts) for name, each in schema.items() if name != "$defs"}


def _request_body() -> dict[str, Any]:
    schema = InferenceRequest.model_json_schema()
    return described_body(_inlined(schema, schema["$defs"]), _EXAMPLE)


def router(models: Models, options: Options) -> APIRouter:
    """Return the routes of the protocol."""
    routes = APIRouter(prefix="/v2", tags=["Open Inference Protocol"])
    _add_health(routes, models)

    @routes.get("/", include_in_schema=False)
    @routes.get("", summary="Show the name and version of the service")
    async def server() -> Server:
        return Server(name="sentiment-lstm", version=__version__, extensions=[])

    @routes.get(
        "/models/{name}",
        summary="Show the inputs and outputs of a model",
        response_model_exclude_none=True,
    )
    async def model(name: str) -> ModelInfo:
        return _model_info(models.get(name))

    @routes.post(
        "/models/{name}/infer",
        summary="Score texts",
        response_model=InferenceResponse,
        openapi_extra=_request_body(),
    )
    async def infer(name: str, request: Request) -> Response:
        scorer = models.get(name)
        asked = _asked(await read_json(request), options.max_client_batch_size)
        if asked.texts:
            predictions = await scorer.predict(asked.texts, asked.truncate)
        else:
            predictions = Predictions((), scorer.classifier.predictor)
        outputs = _outputs(predictions)
        answer = InferenceResponse(
            model_name=name, id=asked.id, outputs=[outputs[name] for name in asked.outputs]
        )
        return json_answer(answer.model_dump(exclude_none=True))

    return routes


def _add_health(routes: APIRouter, models: Models) -> None:
    @routes.get("/health/live", summary="Check whether the service runs")
    async def live() -> Live:
        return Live(live=True)

    not_ready: dict[int | str, dict[str, Any]] = {503: {"model": Ready}}

    @routes.get("/health/ready", summary="Check whether all models can score", responses=not_ready)
    async def ready(response: Response) -> Ready:
        response.status_code = 200 if models.ready else 503
        return Ready(live=True, ready=models.ready)

    model_not_ready: dict[int | str, dict[str, Any]] = {503: {"model": ModelReady}}

    @routes.get(
        "/models/{name}/ready", summary="Check whether a model can score", responses=model_not_ready
    )
    async def model_ready(name: str, response: Response) -> ModelReady:
        models.get(name)
        response.status_code = 503 if models.draining else 200
        return ModelReady(name=name, ready=not models.draining)


def _model_info(scorer: Scorer) -> ModelInfo:
    classes = scorer.classifier.classes_
    return ModelInfo(
        name=scorer.name,
        platform=PLATFORM,
        inputs=[TensorInfo(name=TEXT, datatype=BYTES, shape=[-1])],
        outputs=[
            TensorInfo(name=LABEL, datatype=BYTES, shape=[-1]),
            TensorInfo(
                name=PROBABILITIES,
                datatype=FP64,
                shape=[-1, len(classes)],
                parameters=_of_columns(classes, scorer.classifier.predictor.thresholds),
            ),
        ],
    )


def _of_columns(classes: Sequence[str], thresholds: Sequence[float] | None) -> Parameters:
    """The names of the columns, and their thresholds if a text may have several labels.

    Both are JSON, because a parameter cannot be a list.
    """
    names: Parameters = {"classes": json.dumps(list(classes), ensure_ascii=False)}
    return names if thresholds is None else {**names, "thresholds": json.dumps(list(thresholds))}


class _Asked(NamedTuple):
    """What a request asks for. The rest of it would take memory while the texts wait."""

    id: str | None
    texts: list[str]
    outputs: list[str]
    truncate: Truncate | None


def _asked(values: dict[str, Any], most_texts: int) -> _Asked:
    """Return what a request asks for.

    Raises:
        Refused: a value is missing or not allowed (422), or there are too many texts (413).
    """
    try:
        request = InferenceRequest.model_validate(values)
    except ValidationError as error:
        places = {".".join(map(str, each["loc"][:3])) for each in error.errors()}
        raise _invalid(f"Expected valid values at {', '.join(sorted(places))[:200]}") from None
    texts, outputs = texts_of(request, most_texts), _wanted_outputs(request)
    return _Asked(request.id, texts, outputs, _truncate(request.parameters or {}))


def texts_of(request: InferenceRequest, most_texts: int) -> list[str]:
    """Return the texts of a request.

    Raises:
        Refused: it has other inputs, or too many texts.
    """
    if [each.name for each in request.inputs] != [TEXT]:
        names = [each.name for each in request.inputs]
        raise _invalid(f'Expected one input, "{TEXT}", found {json.dumps(names)[:100]}')
    (given,) = request.inputs
    parameters = (request.parameters or {}).keys() | (given.parameters or {}).keys()
    if given.datatype != BYTES or parameters & _BINARY:
        raise _invalid(f"Expected texts of the type {BYTES} as JSON, found another kind")
    if len(given.shape) not in (1, 2) or given.shape[1:] not in ([], [1]) or given.shape[0] < 0:
        raise _invalid(f"Expected the shape [N] or [N, 1], found {str(given.shape)[:100]}")
    if given.shape[0] > most_texts:
        raise too_many_texts(most_texts, given.shape[0])
    texts = list(_flat(given.data, len(given.shape)))
    if len(texts) != given.shape[0]:
        raise _invalid(f"Expected {given.shape[0]} texts, as the shape says, found {len(texts)}")
    return texts


def _flat(data: Sequence[Any], depth: int) -> Iterator[str]:
    """Yield the texts, nested at most to this depth."""
    for value in data:
        if isinstance(value, list) and depth > 1:
            yield from _flat(value, depth - 1)
        elif isinstance(value, str):
            yield value
        else:
            raise _invalid("Expected strings as the data, found another value")


def _wanted_outputs(request: InferenceRequest) -> list[str]:
    wanted = dict.fromkeys(output.name for output in request.outputs or ())
    given = [request.parameters, *(output.parameters for output in request.outputs or ())]
    if any((parameters or {}).keys() & _BINARY for parameters in given):
        raise _invalid("Expected outputs as JSON, found parameters for binary outputs")
    if unknown := wanted.keys() - {LABEL, PROBABILITIES}:
        name = json.dumps(min(unknown))[:100]
        raise _invalid(f'Expected the outputs "{LABEL}" and "{PROBABILITIES}", found {name}')
    return [*wanted] or [LABEL, PROBABILITIES]


def _truncate(parameters: Mapping[str, bool | int | float | str]) -> Truncate | None:
    truncate = parameters.get("truncate")
    direction = parameters.get("truncation_direction", "Right")
    if not isinstance(truncate, bool | None) or direction not in ("Left", "Right"):
        raise _invalid(
            'Expected true or false as "truncate" and Left or Right as "truncation_direction", '
            "found others"
        )
    return truncation(truncate, "left" if direction == "Left" else "right")


def _outputs(predictions: Predictions) -> dict[str, Output]:
    """Return both outputs by name. BYTES has no null, so a text without a label gets ""."""
    labels: list[str | float] = [prediction.label or "" for prediction in predictions]
    rows: list[str | float] = [p for each in predictions for p in each.probabilities]
    count, classes = len(predictions), predictions.classes
    return {
        LABEL: Output(name=LABEL, datatype=BYTES, shape=[count], data=labels),
        PROBABILITIES: Output(
            name=PROBABILITIES,
            datatype=FP64,
            shape=[count, len(classes)],
            parameters=_of_columns(classes, predictions.thresholds),
            data=rows,
        ),
    }


def _invalid(problem: str) -> Refused:
    return Refused(422, "Validation", f"{problem}: see GET /v2/models/NAME.")
