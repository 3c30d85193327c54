"""What a process does with its memory under the worker's settings, as the system counts it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bridge.worker.memory import ENVIRONMENT

glibc = pytest.mark.skipif(
    sys.platform != "linux" or not os.confstr("CS_GNU_LIBC_VERSION"), reason="needs Linux and glibc"
)

#: A block as networks need them between their layers, written to, so that each of its pages has to be there.
BLOCKS = """
import ctypes, resource
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
def use():
    block = ctypes.c_void_p(libc.malloc(48 << 20))
    ctypes.memset(block, 1, 48 << 20)
    libc.free(block)
use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5): use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""

GIVEN_BACK = """
import ctypes
from bridge.worker.memory import give_back
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
block = ctypes.c_void_p(libc.malloc(200 << 20))
ctypes.memset(block, 1, 200 << 20)
libc.free(block)
held = resident()
give_back()
print(held - resident())
"""


def said(program: str, environment: dict[str, str]) -> int:
    command = [sys.executable, "-c", program]
    others = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}
    run = subprocess.run(command, env={**others, **environment}, capture_output=True, text=True, check=True)
    return int(run.stdout)


@glibc
def test_a_block_that_is_needed_again_and_again_is_zeroed_once() -> None:
    assert said(BLOCKS, ENVIRONMENT) * 10 < said(BLOCKS, {})


@glibc
def test_what_is_free_can_be_given_back() -> None:
    assert said(GIVEN_BACK, ENVIRONMENT) > 150 << 20
