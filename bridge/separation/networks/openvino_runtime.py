"""OpenVINO's runtime, of which a process has one."""

from __future__ import annotations

from functools import cache
from typing import Any

#: Full float32 arithmetic, as in torch. By default OpenVINO uses bfloat16 on CPUs that have it: an error of 1e-2.
OPTIONS = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}


def compiled_for_cpu(model: Any) -> Any:
    """A request that computes `model` (a graph, or the path of one) on the CPU."""
    return _core().compile_model(model, "CPU", OPTIONS).create_infer_request()


@cache
def _core() -> Any:
    """Never released: with the last runtime its plug-in is unloaded, though threads that it has used still run."""
    import openvino  # imported late: it takes at least 100 ms

    return openvino.Core()
