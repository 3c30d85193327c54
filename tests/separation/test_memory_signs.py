"""Out-of-memory messages of the back-ends are recognised, and similar messages are not."""

from __future__ import annotations

import pytest

from bridge.errors import EngineFailed, OutOfMemory
from bridge.separation.networks.base import translate_errors


@pytest.mark.parametrize(
    "text",
    [
        "CUDA out of memory. Tried to allocate 420.00 MiB. GPU 0 has a total capacity of 3.94 GiB",
        "CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported at some other API call",
        "CUDA driver error: CUDA_ERROR_OUT_OF_MEMORY",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "MPS backend out of memory (MPS allocated: 8.89 GB, max allowed: 9.07 GB). Tried to allocate 6 MB",
        "[enforce fail at alloc_cpu.cpp:114] DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes",
        "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes. Error code 12",
        "std::bad_alloc",
        "Exception from src/inference/src/cpp/infer_request.cpp:116:\nstd::bad_alloc",
        "Check 'm_plugin' failed at src/plugin.cpp:1: Failed to allocate memory",
        "[GPU] Exceeded max size of memory allocation: Required 9 bytes, already occupied : 9 bytes",
        "[GPU] clEnqueueNDRangeKernel, error code: -6 CL_OUT_OF_HOST_MEMORY",
        "[NPU] ZE_RESULT_ERROR_OUT_OF_DEVICE_MEMORY",
    ],
)
@pytest.mark.parametrize("change_case", [str, str.upper, str.lower])
def test_an_out_of_memory_message_is_recognised(text: str, change_case: type[str]) -> None:
    with pytest.raises(OutOfMemory), translate_errors("htdemucs"):
        raise RuntimeError(change_case(text))


@pytest.mark.parametrize(
    "text", ["", "CUDA error: an illegal memory access was encountered", "CUBLAS_STATUS_NOT_INITIALIZED"]
)
def test_other_messages_are_engine_failures(text: str) -> None:
    with pytest.raises(EngineFailed), translate_errors("htdemucs"):
        raise RuntimeError(text)
