"""The modules that the main process may load, and the time that this may take."""

import json
import subprocess
import sys

import pytest

PROBE = """
import json, sys, time
began = time.perf_counter()
import {module}
print(json.dumps([time.perf_counter() - began, sorted(sys.modules)]))
"""


@pytest.mark.end_to_end
@pytest.mark.alone
@pytest.mark.parametrize(("module", "limit_seconds"), [("bridge.app", 0.5), ("tui.app", 1.0)])
def test_the_main_process_starts_quickly_without_the_models(module: str, limit_seconds: float) -> None:
    code = PROBE.format(module=module)
    runs = [
        json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout)
        for _ in range(3)
    ]
    seconds = min(run[0] for run in runs)  # the minimum of several runs, because the machine may be busy
    loaded = set(runs[0][1])
    assert not loaded & {"torch", "onnxruntime", "librosa", "demucs", "basic_pitch", "numpy"}
    if module == "bridge.app":
        assert "textual" not in loaded
    assert seconds < limit_seconds
