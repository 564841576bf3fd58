import ctypes
import os
import subprocess
import sys

import pytest
import torch

from sentiment_lstm import cores
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
@pytest.mark.parametrize(("given", "used"), [(None, "PASSIVE"), ("active", "ACTIVE")])
def test_waiting_threads_do_not_spin_beside_other_work(given: str | None, used: str):
    environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    environment |= {"OMP_DISPLAY_ENV": "true"} | ({"OMP_WAIT_POLICY": given} if given else {})
    code = "from sentiment_lstm.training import hardware"
    other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        call = [sys.executable, "-c", code]
        run = subprocess.run(call, env=environment, capture_output=True, text=True, check=True)
    finally:
        other.kill()
        other.wait()
    assert f"OMP_WAIT_POLICY = '{used}'" in run.stderr


@pytest.mark.parametrize(
    ("load", "busy"), [("0.1 0.2 0.3 1/99 7\n", False), ("0 0 0 3/99 7\n", True), ("?", False)]
)
def test_busy_threads_of_others_are_counted(tmp_path, monkeypatch, load: str, busy: bool):
    file = tmp_path / "loadavg"
    file.write_text(load, encoding="ascii")
    monkeypatch.setattr(cores, "_LOAD", file)
    assert cores.others_are_busy() is busy
