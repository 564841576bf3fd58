"""Starts a program twice, as two ranks on this machine, without torchrun's watching process."""

import os
import socket
import subprocess
import sys
from collections.abc import Sequence


def start_two(arguments: Sequence[str]) -> list[subprocess.Popen[str]]:
    """Start `python` with the arguments as rank 0 and as rank 1."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    here = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    here |= {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    return [
        subprocess.Popen(
            [sys.executable, *arguments],
            env=os.environ | here | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]


def outputs(processes: Sequence[subprocess.Popen[str]]) -> list[str]:
    """Wait for the processes; returns what they wrote."""
    return [process.communicate(timeout=120)[0] for process in processes]
