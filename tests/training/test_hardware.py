import ctypes
import os
import subprocess
import sys

import pytest
import torch

from sentiment_lstm.errors import UsageError
from sentiment_lstm.settings import TrainingSettings
from sentiment_lstm.training.hardware import resolve_auto


def test_auto_settings_are_decided_and_others_stay():
    chosen = resolve_auto(TrainingSettings())
    assert chosen.threads >= 1
    assert chosen.device in ("cpu", "cuda")
    assert chosen.precision in ("float32", "bfloat16")
    explicit = TrainingSettings(threads=3, device="cpu", precision="float32")
    assert resolve_auto(explicit) == explicit
    assert resolve_auto(chosen) == chosen


@pytest.mark.parametrize("has", [True, False])
def test_bfloat16_is_used_if_the_processor_supports_it(monkeypatch, has: bool):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": has})
    precision = resolve_auto(TrainingSettings(device="cpu")).precision
    assert precision == ("bfloat16" if has else "float32")


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_missing_gpu_is_one_sentence():
    with pytest.raises(UsageError, match="found none"):
        resolve_auto(TrainingSettings(device="cuda"))


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"), reason="needs glibc"
)
def test_freed_memory_is_reused_only_while_it_is_kept():
    code = """
import resource, torch
from sentiment_lstm.training.hardware import keep_freed_memory
for kept in (True, False):
    keep_freed_memory(kept)
    torch.ones(25_000_000)  # 100 MB, at least 48 pages even where pages are huge
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(25_000_000)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    kept, given_back = map(int, run.stdout.split())
    assert kept < 20
    assert given_back >= 40


@pytest.mark.skipif(sys.platform != "linux", reason="needs the OpenMP of GCC")
@pytest.mark.parametrize(
    ("given", "used"),
    [
        ({}, "GOMP_SPINCOUNT = '400'"),
        ({"GOMP_SPINCOUNT": "77"}, "GOMP_SPINCOUNT = '77'"),
        ({"OMP_WAIT_POLICY": "passive"}, "GOMP_SPINCOUNT = '0'"),
    ],
)
def test_waiting_threads_spin_shortly_unless_the_user_decides(given: dict[str, str], used: str):
    chosen = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    environment = {name: value for name, value in os.environ.items() if name not in chosen}
    environment |= {"OMP_DISPLAY_ENV": "verbose", **given}
    call = [sys.executable, "-c", "from sentiment_lstm.training import hardware"]
    run = subprocess.run(call, env=environment, capture_output=True, text=True, check=True)
    assert used in run.stderr
