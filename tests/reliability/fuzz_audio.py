"""Opens and reads thousands of damaged audio files of every format: `python -m tests.reliability.fuzz_audio --count N`.

Each is either read, or refused with an error of the bridge. A crash of the process, another exception, a sample that is
no number, more than `SECONDS` or more than `MEMORY_BYTES` is a failure. Files are made from their numbers, so that
`--first NUMBER --count 1` makes one again. Needs a system with `resource` (not Windows).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np
import soundfile

from tests.support.encoded import BIT_RATE, encode
from tests.support.sounds import Samples, music
from tests.support.tagged import id3

RESULTS = Path("build/reliability/fuzz_audio.json")
SECONDS, START_SECONDS = 10.0, 60.0
MEMORY_BYTES = 1 << 30
RATE = 44_100
HEAD_BYTES = 700
HELD = ("read", "not_audio", "too_long", "not_readable", "bad_arguments")

#: Formats that libsndfile writes: extension → subtypes.
PLAIN = {
    "wav": ("PCM_16", "PCM_24", "FLOAT", "DOUBLE", "ULAW", "MS_ADPCM", "GSM610"),
    "aiff": ("PCM_16", "FLOAT"),
    "au": ("PCM_16",),
    "caf": ("PCM_24", "ALAC_16"),
    "w64": ("PCM_16",),
    "rf64": ("PCM_16",),
    "flac": ("PCM_16", "PCM_24"),
    "ogg": ("VORBIS", "OPUS"),
    "mp3": ("MPEG_LAYER_III",),
}
#: Formats that FFmpeg writes: extension → codecs.
PACKED = {
    "m4a": ("aac", "alac"),
    "mov": ("pcm_s16le",),
    "mka": ("libopus", "flac"),
    "webm": ("libopus",),
    "ts": ("aac", "mp2"),
    "wma": ("wmav2",),
    "avi": ("mp2",),
    "flv": ("aac",),
    "aac": ("aac",),
    "ac3": ("ac3",),
    "mpg": ("mp2",),
    "wv": ("wavpack",),
    "tta": ("tta",),
    "nut": ("pcm_f32le",),
}


def seeds(folder: Path) -> dict[str, bytes]:
    """A whole file of every format, short enough to be read a thousand times."""
    found: dict[str, bytes] = {}
    for ending, subtypes in PLAIN.items():
        for subtype in subtypes:
            path = folder / f"{subtype}.{ending}"
            rate, sound = (48_000, music(0.15, 48_000)) if subtype == "OPUS" else (RATE, music(0.15))
            sound = sound[:, :1] if subtype == "GSM610" else sound
            soundfile.write(str(path), sound, rate, subtype=subtype, format=ending.upper())
            found[path.name] = path.read_bytes()
    six = folder / "six.ogg"
    soundfile.write(str(six), music(0.1, 48_000, 6), 48_000)
    found[six.name] = six.read_bytes()
    for ending, codecs in PACKED.items():
        for codec in codecs:
            path = packed(folder / f"{codec}.{ending}", codec, music(0.15, 48_000))
            found[path.name] = path.read_bytes()
    found["movie.mov"] = encode(folder / "movie.mov", music(0.15), RATE).read_bytes()
    found["tagged.mp3"] = id3((b"TIT2", b"\x03song"), (b"TPE1", b"\0Bj\xf6rk")) + found["MPEG_LAYER_III.mp3"]
    found["chain.ogg"] = found["VORBIS.ogg"] + found["six.ogg"]
    return found


def packed(path: Path, codec: str, sound: Samples) -> Path:
    """Writes stereo at 48 kHz with FFmpeg's encoder `codec`, in the container of the path's extension."""
    container_format = {".ts": "mpegts", ".mka": "matroska"}.get(path.suffix)
    with av.open(str(path), "w", format=container_format) as container:
        stream = container.add_stream(codec, rate=48_000, layout="stereo")
        stream.bit_rate = BIT_RATE
        context = stream.codec_context
        whole = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound.T), format="fltp", layout="stereo")
        whole.sample_rate, whole.pts = 48_000, 0
        parts = av.AudioResampler(context.format.name, "stereo", 48_000, frame_size=context.frame_size)
        for frame in (*parts.resample(whole), *parts.resample(None), None):
            container.mux(stream.encode(frame))
    return path


def header_bytes(data: bytearray, rng: random.Random) -> None:
    """Changes a few bytes of the header, which in an MP4 file may be at the end."""
    start = rng.choice((0, 0, 0, max(0, len(data) - HEAD_BYTES)))
    for _ in range(rng.choice((1, 2, 6, 20))):
        at = min(start + rng.randrange(HEAD_BYTES), len(data) - 1)
        if rng.randrange(2):
            data[at] = rng.randrange(256)
        else:
            data[at] ^= 1 << rng.randrange(8)


def extreme_numbers(data: bytearray, rng: random.Random) -> None:
    """Writes numbers into the header that are 0, or as large as can be."""
    numbers = (bytes(4), b"\xff" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x80\0\0\0", b"\1\0\0\0", bytes(8))
    for _ in range(rng.choice((1, 2, 4))):
        number, at = rng.choice(numbers), rng.randrange(min(len(data), HEAD_BYTES))
        data[at : at + len(number)] = number


def cut_off(data: bytearray, rng: random.Random) -> None:
    """The file ends early."""
    del data[rng.randrange(1, len(data)) :]


def bytes_missing(data: bytearray, rng: random.Random) -> None:
    """A piece is missing in the middle."""
    at = rng.randrange(len(data))
    del data[at : at + rng.choice((1, 4, 40, 400, 4000))]


def bits_flipped(data: bytearray, rng: random.Random) -> None:
    """Bits are changed anywhere."""
    for _ in range(rng.choice((1, 10, 100, 1000))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def block_overwritten(data: bytearray, rng: random.Random) -> None:
    """A block is zero, or noise."""
    at, size = rng.randrange(len(data)), rng.choice((100, 1000, 5000))
    size = min(size, len(data) - at)
    data[at : at + size] = bytes(size) if rng.randrange(2) else rng.randbytes(size)


def doubled(data: bytearray, rng: random.Random) -> None:
    """The file, or a piece of it, a second time."""
    data += data[rng.choice((0, 0, rng.randrange(len(data)))) :]


FAULTS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    header_bytes,
    extreme_numbers,
    cut_off,
    bytes_missing,
    bits_flipped,
    block_overwritten,
    doubled,
)


def mutant(number: int, seed: int, originals: dict[str, bytes]) -> tuple[str, str, bytes]:
    """A file's name, its fault and its content."""
    rng = random.Random(f"{seed} {number}")
    name = rng.choice(sorted(originals))
    data = bytearray(originals[name])
    if rng.randrange(8) == 0:
        other = rng.choice(sorted(originals))
        return name, "joined", bytes(data + originals[other])
    fault = rng.choice(FAULTS)
    fault(data, rng)
    if rng.randrange(4) == 0 and data:
        rng.choice(FAULTS)(data, rng)
    return name, fault.__name__, bytes(data)


def outcome_of(path: Path, scratch: Path) -> str:
    """How a file is read: `read`, the code of the refusal, or what went wrong."""
    from bridge.audio.source import find_region  # here: the parent process needs none of it
    from bridge.errors import BridgeError
    from tests.support.fakes import RecordingControl

    try:
        for start, end in ((0.0, None), (0.05, 0.1)):
            with find_region(path, start, end, 60.0).open(scratch, RecordingControl()) as region:
                samples = region.signal.read(0, min(region.frames, 1 << 16))
                if not np.isfinite(samples).all():
                    return "not finite"
    except BridgeError as error:
        return error.code
    except MemoryError:
        return "memory"
    except Exception as error:  # the point of it all
        return f"{type(error).__name__}: {error}"
    return "read"


def work(first: int, stop: int, seed: int, folder: Path) -> None:
    """The child: reads the files with these numbers, and says before and after each."""
    import resource

    originals = {path.name: path.read_bytes() for path in sorted((folder / "seeds").iterdir())}
    outcome_of(folder / "seeds" / "PCM_16.wav", folder / f"scratch{first}")  # loads the libraries
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY_BYTES, size + MEMORY_BYTES))
    for number in range(first, stop):
        name, fault, data = mutant(number, seed, originals)
        path = folder / f"{first} {name}"
        path.write_bytes(data)
        say([number, name, fault, None])
        say([number, name, fault, outcome_of(path, folder / f"scratch{first}")])
        path.unlink()


def say(row: list[object]) -> None:
    os.write(1, json.dumps(row).encode() + b"\n")  # unbuffered: the next file may end the process


def outcomes(first: int, stop: int, seed: int, folder: Path) -> Iterator[tuple[int, str, str, str]]:
    """Number, name, fault and outcome of each file, read in children that are replaced when one crashes or hangs."""
    while first < stop:
        command = [sys.executable, "-m", "tests.reliability.fuzz_audio", "--work", str(first), str(stop)]
        arguments = [*command, "--seed", str(seed), "--folder", str(folder)]
        begun: tuple[int, str, str] | None = None
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
            assert child.stdout is not None
            for line in lines(child.stdout.fileno()):
                number, name, fault, outcome = json.loads(line)
                begun = None
                if outcome is None:
                    begun = number, name, fault
                else:
                    first = number + 1
                    yield number, name, fault, outcome
            hung = child.poll() is None and begun is not None and not is_closed(child.stdout.fileno())
            child.kill()
        if begun is not None:
            yield *begun, "hang" if hung else f"crash {child.returncode}"
            first = begun[0] + 1
        elif first < stop and child.returncode not in (0, -9):
            raise RuntimeError(f"the child for file {first} does not start")


def lines(pipe: int) -> Iterator[bytes]:
    """The lines from a pipe, until it closes or nothing comes for `SECONDS`; at first, while libraries load, longer."""
    rest, limit = b"", START_SECONDS
    while select.select([pipe], [], [], limit)[0] and (content := os.read(pipe, 1 << 16)):
        *whole, rest = (rest + content).split(b"\n")
        yield from whole
        limit = SECONDS


def is_closed(pipe: int) -> bool:
    return bool(select.select([pipe], [], [], 0)[0]) and not os.read(pipe, 1)


def fuzz(count: int, *, seed: int = 1, first: int = 0, jobs: int = 2) -> list[tuple[int, str, str, str]]:
    """Number, name, fault and outcome of `count` damaged files."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "seeds").mkdir()
        for file, data in seeds(folder).items():
            (folder / "seeds" / file).write_bytes(data)
        share = -(-count // jobs)
        ranges = [(start, min(start + share, first + count)) for start in range(first, first + count, share)]
        with ThreadPoolExecutor(jobs) as pool:
            parts = pool.map(lambda span: list(outcomes(span[0], span[1], seed, folder)), ranges)
            return [row for part in parts for row in part]


def table(rows: list[tuple[int, str, str, str]]) -> list[dict[str, object]]:
    """The rows of the reliability report."""
    times: Counter[tuple[str, str]] = Counter()
    lost: Counter[tuple[str, str]] = Counter()
    stuck: Counter[tuple[str, str]] = Counter()
    for _, name, fault, outcome in rows:
        key = Path(name).suffix[1:], fault.replace("_", " ")
        times[key] += 1
        if outcome in ("hang", "memory"):
            stuck[key] += 1
        elif outcome not in HELD:
            lost[key] += 1
    return [
        {
            "kind": f"audio file {kind}",
            "fault": fault,
            "times": count,
            "held": count - lost[kind, fault] - stuck[kind, fault],
            "lost": lost[kind, fault],
            "stuck": stuck[kind, fault],
            "partial": 0,
            "outside": 0,
            "note": "",
        }
        for (kind, fault), count in sorted(times.items())
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--work", type=int, nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(arguments.work[0], arguments.work[1], arguments.seed, arguments.folder)
        return 0
    rows = fuzz(arguments.count, seed=arguments.seed, first=arguments.first, jobs=arguments.jobs)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(table(rows), indent=1))
    sys.stdout.write(f"{Counter(outcome if outcome in HELD else 'FAILED' for *_, outcome in rows)}\n")
    failures = [row for row in rows if row[3] not in HELD]
    for row in failures[:50]:
        sys.stdout.write(f"{row}\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
