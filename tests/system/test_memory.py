"""What says that memory was lacking, whoever says it."""

from __future__ import annotations

import errno

import pytest

from bridge.system.memory import is_out_of_memory


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        OSError("libtorch.so: failed to map segment from shared object"),
        ImportError("onnxruntime_pybind11_state.so: failed to map segment from shared object"),
        RuntimeError("can't start new thread"),
        RuntimeError("std::bad_alloc"),
    ],
    ids=repr,
)
def test_lack_of_memory_is_recognised(error: Exception) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOENT, "out of memory.wav"), ValueError("out of memory"), ImportError("no module x")],
    ids=repr,
)
def test_other_errors_are_not(error: Exception) -> None:
    assert not is_out_of_memory(error)
