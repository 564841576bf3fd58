"""ONNX Runtime, without its statistics. Every other file takes the library from here."""

from __future__ import annotations

import os

# The library reads this once, at its import. Otherwise it would look for a server and write to the
# home folder.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

__all__ = ["onnxruntime"]
