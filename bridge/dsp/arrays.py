"""Array types by element type; shapes are documented where the arrays are used."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Bytes: TypeAlias = npt.NDArray[np.uint8]
Doubles: TypeAlias = npt.NDArray[np.float64]
Floats: TypeAlias = npt.NDArray[np.float32]
Indices: TypeAlias = npt.NDArray[np.intp]
#: `Floats` that hold levels in dB.
Decibels: TypeAlias = npt.NDArray[np.float32]
