import ctypes
import subprocess
import sys

import pytest
import torch

from sentiment_lstm.errors import UsageError
from sentiment_lstm.settings import TrainingSettings
from sentiment_lstm.training.hardware import resolve_auto


def test_nothing_stays_auto_and_what_was_set_stays():
    found = resolve_auto(TrainingSettings())
    assert found.threads >= 1
    assert found.device in ("cpu", "cuda")
    assert found.precision in ("float32", "bfloat16")
    wanted = TrainingSettings(threads=3, device="cpu", precision="float32")
    assert resolve_auto(wanted) == wanted
    assert resolve_auto(found) == found


@pytest.mark.parametrize("has", [True, False])
def test_bfloat16_goes_where_the_processor_multiplies_it(monkeypatch, has: bool):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": has})
    found = resolve_auto(TrainingSettings(device="cpu")).precision
    assert found == ("bfloat16" if has else "float32")


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_missing_gpu_is_one_sentence():
    with pytest.raises(UsageError, match="found none"):
        resolve_auto(TrainingSettings(device="cuda"))


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"), reason="needs glibc"
)
def test_freed_memory_is_used_again_only_while_it_is_kept():
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
