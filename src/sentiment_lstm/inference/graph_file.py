"""Writes and reads ONNX files of the kind that this package makes, without the library `onnx`.

An ONNX file is a protocol buffer. Only the fields that `inference.graphs` needs are written. A file
with any other field is refused, so nothing in a file is skipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Option = int | str | tuple[int, ...]
"""The value of a node's attribute."""
OPSET, IR_VERSION, MICROSOFT = 21, 10, "com.microsoft"
FLOAT, INT32, INT64, FLOAT16 = 1, 6, 7, 10
"""Numbers of element types in ONNX."""
_DTYPES: dict[int, type[np.generic]] = {
    FLOAT: np.float32,
    3: np.int8,
    INT32: np.int32,
    INT64: np.int64,
    FLOAT16: np.float16,
}
_ELEMENT_TYPES = {np.dtype(dtype): number for number, dtype in _DTYPES.items()}
_VARINT, _BYTES = 0, 2
_INT, _STRING, _INTS = 2, 3, 7
"""Numbers of attribute types in ONNX."""
_EXTERNAL = 1

Message = dict[int, list[Any]]
"""The values of a message's fields by number: whole numbers or bytes."""


@dataclass(frozen=True)
class Node:
    """An operator with the names of its inputs and outputs."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    domain: str = ""
    options: Mapping[str, Option] = field(default_factory=dict)


@dataclass(frozen=True)
class Value:
    """An input or output. A name in `shape` stands for a size that differs from call to call."""

    name: str
    element_type: int
    shape: tuple[int | str, ...]


@dataclass(frozen=True)
class OutsideArray:
    """An array that the graph names but does not hold. `location`: the file that should hold it."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    location: str


@dataclass(frozen=True)
class GraphFile:
    """A graph: its nodes in order, inputs, outputs, and arrays by name.

    `learnt`: the names of the arrays that a model has learnt. A file does not say which these are.
    """

    nodes: Sequence[Node]
    inputs: Sequence[Value]
    outputs: Sequence[Value]
    constants: Mapping[str, Array | OutsideArray]
    learnt: frozenset[str] = frozenset()

    def to_bytes(self) -> bytes:
        """Return the ONNX file."""
        graph = b"".join(
            (
                *(_field(1, _node(node)) for node in self.nodes),
                _field(2, b"lstm-classifier"),
                *(_field(5, _tensor(name, array)) for name, array in self.constants.items()),
                *(_field(11, _value(value)) for value in self.inputs),
                *(_field(12, _value(value)) for value in self.outputs),
            )
        )
        opsets = ((b"", OPSET), (MICROSOFT.encode(), 1))
        return b"".join(
            (
                _field(1, IR_VERSION),
                _field(2, b"sentiment-lstm"),
                _field(7, graph),
                *(_field(8, _field(1, name) + _field(2, version)) for name, version in opsets),
            )
        )


def parse(data: bytes) -> GraphFile:
    """Read an ONNX file. Locations of arrays that it does not hold are not read.

    Raises:
        ValueError: it is damaged, or it has a field that `GraphFile.to_bytes` never writes.
    """
    try:
        model = _message(data, once=(1, 2, 7), several=(8,))
        for opset in model[8]:
            _message(opset, once=(1, 2))
        graph = _message(_only(model, 7), once=(2,), several=(1, 5, 11, 12))
        tensors = [_read_tensor(tensor) for tensor in graph[5]]
        constants = dict(tensors)
        if len(constants) != len(tensors):
            raise ValueError("two arrays of one name")
        nodes = [_read_node(node) for node in graph[1]]
        inputs, outputs = ([_read_value(value) for value in graph[n]] for n in (11, 12))
    except (IndexError, KeyError, OverflowError, TypeError) as error:
        raise ValueError("a damaged file or another graph") from error
    return GraphFile(nodes, inputs, outputs, constants)


def _node(node: Node) -> bytes:
    return b"".join(
        (
            *(_field(1, name.encode()) for name in node.inputs),
            *(_field(2, name.encode()) for name in node.outputs),
            _field(4, node.kind.encode()),
            *(_field(5, _option(*item)) for item in sorted(node.options.items())),
            _field(7, node.domain.encode()),
        )
    )


def _option(name: str, value: Option) -> bytes:
    head = _field(1, name.encode())
    if isinstance(value, int):
        return head + _field(3, value) + _field(20, _INT)
    if isinstance(value, str):
        return head + _field(4, value.encode()) + _field(20, _STRING)
    return head + b"".join(_field(8, number) for number in value) + _field(20, _INTS)


def _tensor(name: str, array: Array | OutsideArray) -> bytes:
    sizes = b"".join(_field(1, size) for size in array.shape)
    head = sizes + _field(2, _ELEMENT_TYPES[array.dtype]) + _field(8, name.encode())
    if isinstance(array, OutsideArray):
        return head + _field(13, _pair("location", array.location)) + _field(14, _EXTERNAL)
    little_endian = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return head + _field(9, np.ascontiguousarray(little_endian).tobytes())


def _value(value: Value) -> bytes:
    sizes = (_field(2, n.encode()) if isinstance(n, str) else _field(1, n) for n in value.shape)
    shape = b"".join(_field(1, size) for size in sizes)
    tensor = _field(1, value.element_type) + _field(2, shape)
    return _field(1, value.name.encode()) + _field(2, _field(1, tensor))


def _pair(key: str, value: str) -> bytes:
    return _field(1, key.encode()) + _field(2, value.encode())


def _field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3 | _VARINT) + _varint(value)
    return _varint(number << 3 | _BYTES) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    value &= 2**64 - 1
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    data.append(value)
    return bytes(data)


def _read_node(data: bytes) -> Node:
    fields = _message(data, once=(3, 4, 6, 7), several=(1, 2, 5))
    options = [_read_option(option) for option in fields[5]]
    return Node(
        _text(_only(fields, 4)),
        tuple(_text(name) for name in fields[1]),
        tuple(_text(name) for name in fields[2]),
        _text(_only(fields, 7, b"")),
        dict(options),
    )


def _read_option(data: bytes) -> tuple[str, Option]:
    fields = _message(data, once=(1, 3, 4, 20), several=(8,))
    kind = _only(fields, 20)
    values: dict[int, Option] = {
        _INT: _only(fields, 3, 0),
        _STRING: _text(_only(fields, 4, b"")),
        _INTS: tuple(fields[8]),
    }
    return _text(_only(fields, 1)), values[kind]


def _read_tensor(data: bytes) -> tuple[str, Array | OutsideArray]:
    fields = _message(data, once=(2, 8, 9, 14), several=(1, 13))
    name, shape = _text(_only(fields, 8)), tuple(fields[1])
    dtype = np.dtype(_DTYPES[_only(fields, 2)])
    if _only(fields, 14, 0) == _EXTERNAL:
        return name, OutsideArray(dtype, shape, "")
    raw = np.frombuffer(_only(fields, 9, b""), dtype=dtype.newbyteorder("<"))
    return name, raw.reshape(shape).astype(dtype, copy=False)


def _read_value(data: bytes) -> Value:
    fields = _message(data, once=(1, 2))
    tensor = _message(_only(_message(_only(fields, 2), once=(1,)), 1), once=(1, 2))
    sizes = _message(_only(tensor, 2, b""), several=(1,))[1]
    shape = [_message(size, once=(1, 2)) for size in sizes]
    named = tuple(_text(n[2][0]) if n[2] else _only(n, 1) for n in shape)
    return Value(_text(_only(fields, 1)), _only(tensor, 1), named)


def _text(value: object) -> str:
    if not isinstance(value, bytes):
        raise TypeError("a number in place of a name")
    return value.decode()


def _only(fields: Message, number: int, default: Any = None) -> Any:  # noqa: ANN401
    """Return the value of a field that occurs at most once. Without a default, it must occur."""
    return fields[number][0] if fields[number] or default is None else default


def _message(data: object, once: Sequence[int] = (), several: Sequence[int] = ()) -> Message:
    """Read a message with these fields only, some at most once, others any number of times."""
    if not isinstance(data, bytes):
        raise TypeError("a number in place of a message")
    fields: Message = {number: [] for number in (*once, *several)}
    for number, value in _read_fields(data):
        if number not in fields:
            raise ValueError(f"field {number}, which graphs of this package do not have")
        if number in once and fields[number]:
            raise ValueError(f"field {number} twice")
        fields[number].append(value)
    return fields


def _read_fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    position = 0
    while position < len(data):
        key, position = _read_varint(data, position)
        value, position = _read_varint(data, position)
        if key & 7 == _BYTES:
            end = position + value
            if end > len(data):
                raise ValueError("a damaged file or another graph")
            yield key >> 3, data[position:end]
            position = end
        elif key & 7 == _VARINT:
            yield key >> 3, value
        else:
            raise ValueError("a field of a kind that graphs of this package do not have")


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("a number of more than ten bytes")
