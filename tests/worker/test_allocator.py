"""What a process does with its memory under the worker's settings, as the system counts it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

from bridge.worker.allocator import ANY_BLOCK, environment, glibc_version

OURS = environment(glibc_version())
needs_glibc = pytest.mark.skipif(not OURS, reason="another C library than glibc decides for itself")

#: A block as networks need them between their layers, written to, so that each of its pages has to be there.
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

GIVEN_BACK = """
import ctypes, resource
from bridge.worker.allocator import give_back_memory
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
blocks = [ctypes.c_void_p(libc.malloc(20 << 20)) for _ in range(10)]
for block in blocks: ctypes.memset(block, 1, 20 << 20)
for block in blocks: libc.free(block)
held = resident()
give_back_memory()
print(held - resident())
"""


def said(program: str, variables: Mapping[str, str], *arguments: object) -> int:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    others = {name: value for name, value in os.environ.items() if name not in OURS}
    run = subprocess.run(command, env={**others, **variables}, capture_output=True, text=True, check=True)
    return int(run.stdout)


@pytest.mark.skipif((glibc_version() or (0, 0)) < ANY_BLOCK, reason="needs glibc 2.35")
def test_a_block_that_is_needed_again_and_again_is_zeroed_once() -> None:
    assert said(BLOCKS, OURS, 48 << 20) * 10 < said(BLOCKS, {}, 48 << 20)


@needs_glibc
def test_what_an_older_glibc_allows_works_too() -> None:
    assert said(BLOCKS, environment((2, 28)), 24 << 20) < 1000


@needs_glibc
def test_what_is_free_can_be_given_back() -> None:
    assert said(GIVEN_BACK, OURS) > 150 << 20


def test_an_older_glibc_is_asked_for_no_more_than_it_allows_and_another_library_for_nothing() -> None:
    assert environment((2, 34))["MALLOC_MMAP_THRESHOLD_"] == str(32 << 20)
    assert environment((2, 35))["MALLOC_MMAP_THRESHOLD_"] == str(256 << 20)
    assert environment(None) == {}
