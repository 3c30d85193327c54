"""The arrays that signal processing passes on, by their element type; shapes stand where they are used."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Bytes: TypeAlias = npt.NDArray[np.uint8]
Doubles: TypeAlias = npt.NDArray[np.float64]
Floats: TypeAlias = npt.NDArray[np.float32]
Indices: TypeAlias = npt.NDArray[np.intp]
#: Levels in dB, in a `Floats`.
Decibels: TypeAlias = npt.NDArray[np.float32]
