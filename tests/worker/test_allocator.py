"""The memory of a process with the worker's settings, measured by the system's page faults and resident size."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

from bridge.worker.allocator import LARGE_BLOCKS_SINCE, environment, glibc_version

OURS = environment(glibc_version())
needs_glibc = pytest.mark.skipif(not OURS, reason="the settings are for glibc only")

#: Allocates a block as large as between network layers and writes to it, so that all its pages are mapped.
BLOCKS = """
import ctypes, resource, sys
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
def use():
    block = ctypes.c_void_p(libc.malloc(int(sys.argv[1])))
    ctypes.memset(block, 1, int(sys.argv[1]))
    libc.free(block)
use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5): use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""

RELEASED = """
import ctypes, resource
from bridge.worker.allocator import release_memory
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
blocks = [ctypes.c_void_p(libc.malloc(20 << 20)) for _ in range(10)]
for block in blocks: ctypes.memset(block, 1, 20 << 20)
for block in blocks: libc.free(block)
held = resident()
release_memory()
print(held - resident())
"""


def output_of(program: str, variables: Mapping[str, str], *arguments: object) -> int:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    others = {name: value for name, value in os.environ.items() if name not in OURS}
    run = subprocess.run(command, env={**others, **variables}, capture_output=True, text=True, check=True)
    return int(run.stdout)


@pytest.mark.skipif((glibc_version() or (0, 0)) < LARGE_BLOCKS_SINCE, reason="needs glibc 2.35")
def test_a_block_that_is_reused_is_zeroed_once() -> None:
    assert output_of(BLOCKS, OURS, 48 << 20) * 10 < output_of(BLOCKS, {}, 48 << 20)


@needs_glibc
def test_the_limit_of_an_older_glibc_works() -> None:
    assert output_of(BLOCKS, environment((2, 28)), 24 << 20) < 1000


@needs_glibc
def test_free_memory_can_be_released() -> None:
    assert output_of(RELEASED, OURS) > 150 << 20


def test_settings_respect_the_limit_of_an_older_glibc_and_are_empty_for_other_libraries() -> None:
    assert environment((2, 34))["MALLOC_MMAP_THRESHOLD_"] == str(32 << 20)
    assert environment((2, 35))["MALLOC_MMAP_THRESHOLD_"] == str(256 << 20)
    assert environment(None) == {}
