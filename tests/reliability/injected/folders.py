"""Folders that vanish, move or turn into links while a job writes to them, and links that lead outside."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from tests.reliability.bench import Bench
from tests.reliability.case import ANY, Case
from tests.reliability.fault import Fault, started
from tests.reliability.place import Place

KIND = "folder"
OUTCOMES = ("done", "failed")
MIDDLE = ("loading", "separating", "transcribing", "writing")


def rooted_bench(folder: Path) -> contextlib.AbstractAsyncContextManager[Bench]:
    """A bridge that may read and write in `inside` only."""
    place = Place(folder)
    return started(Bench(place, environment={"SAB_ROOTS": str(place.inside)}))


async def _in_the_middle(case: Case, out: Path) -> str:
    job = await case.submit(case.clip(long=True), "out", str(out), ends=OUTCOMES)
    await case.reaches(job, case.rng.choice(MIDDLE), 0.2)
    return job


async def removed(case: Case) -> None:
    """The output folder is removed in the middle."""
    out = case.folder / "out"
    case.has_taken_files = True
    await _in_the_middle(case, out)
    shutil.rmtree(out, ignore_errors=True)


async def _moved(case: Case, old: Path, new: Path, out: Path) -> None:
    case.has_taken_files = True
    job = await _in_the_middle(case, out)
    with contextlib.suppress(FileNotFoundError):
        old.rename(new)
    case.ours.add(new)
    await case.bench.hears(lambda: bool(case.bench.jobs[job].outcome), 30)
    # What was told of before the move lies there now.
    case.bench.jobs[job].files |= {new / path.relative_to(old): 0.0 for path in case.bench.jobs[job].files}


async def moved(case: Case) -> None:
    """The output folder is moved away in the middle."""
    out = case.folder / "out"
    await _moved(case, out, case.folder / "moved", out)


async def parent_moved(case: Case) -> None:
    """The folder above it is moved away in the middle."""
    above = case.folder / "project"
    above.mkdir()
    case.ours.add(above)
    await _moved(case, above, case.folder / "moved", above / "stems")


async def swapped_for_link(case: Case) -> None:
    """The output folder is moved away and a link to a folder outside put in its place."""
    out, target = case.folder / "out", case.bench.place.outside / "folder"
    case.has_taken_files = True
    job = await _in_the_middle(case, out)
    with contextlib.suppress(FileNotFoundError):
        out.rename(case.folder / "moved")
        out.symlink_to(target)
        case.ours |= {out, case.folder / "moved"}
    await case.bench.hears(lambda: bool(case.bench.jobs[job].outcome), 30)
    case.bench.jobs[job].files |= {case.folder / "moved" / path.name: 0.0 for path in case.bench.jobs[job].files}


async def parent_swapped_for_link(case: Case) -> None:
    """The same with the folder above it."""
    above, target = case.folder / "above", case.bench.place.outside / "folder"
    case.has_taken_files = True
    above.mkdir()
    job = await _in_the_middle(case, above / "out")
    with contextlib.suppress(OSError):
        above.rename(case.folder / "moved")
        above.symlink_to(target)
    case.ours |= {above, case.folder / "moved", case.folder / "moved" / "out"}
    await case.bench.hears(lambda: bool(case.bench.jobs[job].outcome), 30)
    files = {case.folder / "moved" / "out" / path.name: 0.0 for path in case.bench.jobs[job].files}
    case.bench.jobs[job].files |= files


async def linked_neighbour(case: Case) -> None:
    """The numbered neighbour of a taken output folder is a link that leads outside."""
    clip, out = case.clip(), case.folder / "out"
    first = await case.submit(clip, "out", str(out))
    await case.bench.hears(lambda: bool(case.bench.jobs[first].outcome), 30)
    link = case.folder / "out 2"
    link.symlink_to(case.bench.place.outside / "folder")
    case.ours.add(link)
    await case.submit(clip, "out", str(out), "midi", "none", ends=OUTCOMES)


async def root_itself(case: Case) -> None:
    """`out` is the root itself, twice: the second may not go to a neighbour outside."""
    root = case.bench.place.inside
    clip = case.clip()
    for options in ((), ("midi", "none")):
        code = await case.refused(clip, "out", str(root), *options)
        if code not in ("", "outside_roots", "not_writable", "bad_arguments"):
            case.found("other", f"refused as {code}")
    for job in case.expected:
        await case.bench.hears(lambda job=job: bool(case.bench.jobs[job].outcome), 30)  # type: ignore[misc]
    case.has_taken_files = True
    for path in root.iterdir():
        if path != case.folder:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


async def linked_out(case: Case) -> None:
    """`out` is a link that leads outside the roots."""
    link = case.folder / "link"
    link.symlink_to(case.bench.place.outside / "folder")
    case.ours.add(link)
    if (code := await case.refused(case.clip(), "out", str(link))) != "outside_roots":
        case.found("outside" if not code else "other", f"an output folder that leads outside: {code or 'accepted'}")


async def clip_outside(case: Case) -> None:
    """The clip is outside the roots: named, by `..`, by a link, or through a playlist."""
    place = case.bench.place
    link, playlist = case.folder / "link.wav", case.folder / "list.m3u8"
    link.symlink_to(place.secret)
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.0,\n{place.secret}\n#EXT-X-ENDLIST\n")
    as_ts = case.folder / "list.ts"
    as_ts.write_text(playlist.read_text())
    case.ours |= {link, playlist, as_ts}
    dotted = case.folder / ".." / ".." / "outside" / "secret.wav"
    for clip in (place.secret, dotted, link, playlist, as_ts):
        code = await case.refused(clip, "out", str(case.folder / f"out-{clip.suffix}"), "midi", "none")
        if not code:
            job = list(case.expected)[-1]
            await case.bench.hears(lambda job=job: bool(case.bench.jobs[job].outcome), 30)  # type: ignore[misc]
            if case.bench.jobs[job].outcome == "done":
                case.found("outside", f"a clip outside was read through {clip.name}")


async def planted_link(name: str, case: Case) -> None:
    """A link to somebody's file lies where the job will write: at a temporary name, or at a result's."""
    out = case.folder / "out"
    out.mkdir()
    target = case.bench.place.outside / "letter.txt"
    await case.submit(long=True)
    clip = case.clip()
    job = await case.submit(clip, "out", str(out), ends=OUTCOMES)
    stem = clip.stem
    files = [f"{stem} ({label}).{kind}" for label in ("Vocals", "Drums", "Bass", "Other") for kind in ("wav", "mid")]
    for file in (*files, f"{stem}.mid", f"{stem}.sab.json", f"{stem}.unfinished.json"):
        link = out / name.format(job=job, file=file)
        link.symlink_to(target)
        case.ours.add(link)
    case.ours.add(out)
    await case.bench.hears(lambda: bool(case.bench.jobs[job].outcome), 30)
    case.has_taken_files = True
    for link in [path for path in case.ours if path.is_symlink() and not os.path.lexists(path)]:
        case.ours.discard(link)


async def temporary_names(case: Case) -> None:
    await planted_link(".{job}.{file}.partial", case)


async def result_names(case: Case) -> None:
    await planted_link("{file}", case)


async def results_appear(case: Case) -> None:
    """Another program writes a file of a result's name in the middle; it stays as it is."""
    out = case.folder / "out"
    job = await _in_the_middle(case, out)
    theirs = out / f"clip1 ({case.rng.choice(('Vocals', 'Drums', 'Bass', 'Other'))}).mid"
    is_ours = out.is_dir() and not theirs.exists()
    if is_ours:
        theirs.write_text("my own notes")
        case.ours |= {theirs}
    await case.bench.hears(lambda: bool(case.bench.jobs[job].outcome), 30)
    case.expected[job] = ANY
    if is_ours and theirs not in case.bench.jobs[job].files and theirs.read_text(errors="replace") != "my own notes":
        case.found("outside", "a file of another program was overwritten")


FAULTS = (
    Fault(KIND, "the output folder is removed in a job", removed, 20),
    Fault(KIND, "the output folder is moved away in a job", moved, 20, quick=True),
    Fault(KIND, "the folder above it is moved away in a job", parent_moved, 15),
    Fault(KIND, "the output folder is swapped for a link in a job", swapped_for_link, 20, rooted_bench),
    Fault(KIND, "the folder above it is swapped for a link in a job", parent_swapped_for_link, 15, rooted_bench),
    Fault(KIND, "the numbered neighbour is a link that leads outside", linked_neighbour, 20, rooted_bench),
    Fault(KIND, "the output folder is the root itself, twice", root_itself, 15, rooted_bench, quick=True),
    Fault(KIND, "the output folder is a link that leads outside", linked_out, 20, rooted_bench),
    Fault(KIND, "the clip is outside: by ‘..’, link or playlist", clip_outside, 20, rooted_bench, quick=True),
    Fault(KIND, "links lie at the temporary names", temporary_names, 15),
    Fault(KIND, "links lie at the results' names", result_names, 15),
    Fault(KIND, "another program writes a result's name in a job", results_appear, 15),
)
