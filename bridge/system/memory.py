"""Recognises the exceptions of a machine that has no memory left."""

from __future__ import annotations

import errno

#: Lower-case phrases in the messages of torch, its libraries, OpenVINO, onnxruntime and the system's loader.
#: They lack an exception type for this on some devices.
_SIGNS = (
    "out of memory",
    "not enough memory",
    "can't allocate memory",
    "cannot allocate memory",
    "failed to allocate memory",
    "exceeded max size of memory",
    "bad_alloc",
    "alloc_failed",  # CUBLAS_STATUS_ALLOC_FAILED, CUDNN_STATUS_ALLOC_FAILED
    "out_of_memory",  # CUDA_ERROR_OUT_OF_MEMORY
    "out_of_host_memory",  # CL_OUT_OF_HOST_MEMORY, ZE_RESULT_ERROR_OUT_OF_HOST_MEMORY
    "out_of_device_memory",
    "failed to map segment",  # glibc, of a library that does not fit
    "can't start new thread",  # there is no room for its stack
)


def is_out_of_memory(error: BaseException) -> bool:
    """True if the error says that memory was lacking."""
    match error:
        case MemoryError():
            return True
        case OSError(errno=number) if number is not None:
            return number == errno.ENOMEM
        case RuntimeError() | ImportError() | OSError():
            text = str(error).lower()
            return any(sign in text for sign in _SIGNS)
    return False
