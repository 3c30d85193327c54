"""`python -m max_for_live.generator [FOLDER]` builds the device into FOLDER and checks it.

`--check FILE…` only checks; `--tables` regenerates the script's tables, `--pictures` the pictures in docs/images.
"""

from __future__ import annotations

import sys
from pathlib import Path

from max_for_live.generator import tables
from max_for_live.generator.build import build
from max_for_live.generator.picture import PICTURES, svg
from max_for_live.generator.validator import device_faults

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"


def main(arguments: list[str]) -> int:
    match arguments:
        case ["--tables"]:
            tables.FILE.write_text(tables.script(), encoding="utf-8")
            return 0
        case ["--pictures"]:
            for name, moment in PICTURES.items():
                (IMAGES / f"{name}.svg").write_text(svg(moment), encoding="utf-8")
            return 0
        case ["--check", *files]:
            return _check([Path(file) for file in files])
        case [folder]:
            return _check(build(Path(folder)))
        case _:
            return _check(build(ROOT / "build" / "device"))


def _check(files: list[Path]) -> int:
    count = 0
    for file in files:
        faults = device_faults(file) if file.suffix == ".amxd" else []
        count += len(faults)
        print(f"{file}: {file.stat().st_size} bytes" + "".join(f"\n  {fault}" for fault in faults))
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
