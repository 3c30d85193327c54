"""Each clip of a watched folder once: whatever happens to files, to the process, and in the queue."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import watchfiles
from msgspec.structs import replace

from bridge.errors import OutsideRoots
from bridge.events import Noticed
from bridge.model import Failure
from bridge.protocols.looking import FileLook
from bridge.request import JobRequest
from bridge.watch import observer
from bridge.watch.done_before import has_results
from bridge.watch.ledger import ClipLedger, FolderWatched, read_ledger
from bridge.watch.scan import Scan, scan
from bridge.watch.turns import Turns
from tests.watch.bench import PATIENCE_SECONDS, WATCH, WatchBench, other_job, put_results


@pytest.fixture
def bench(tmp_path: Path) -> WatchBench:
    return WatchBench(tmp_path)


async def test_what_is_there_becomes_jobs_in_natural_order_and_only_once(bench: WatchBench) -> None:
    bench.put("take 10.wav", "take 2.wav", "sub/b.flac", "notes.txt", "a.wav.part")
    await bench.run_until_idle()
    await bench.run_until_idle()
    assert bench.bridge.sources == ["take 2.wav", "take 10.wav", "b.flac"]
    assert set(bench.bridge.origins) == {WATCH}
    assert set(bench.ends().values()) == {"done"}


async def test_what_comes_later_is_seen_at_once(bench: WatchBench) -> None:
    async with bench.watching() as watch:
        await asyncio.wait_for(watch.until_idle(), PATIENCE_SECONDS)
        bench.put("new/deep/a.wav")
        await bench.until(lambda: len(bench.ends()) == 1)
    assert bench.bridge.sources == ["a.wav"]


async def test_results_go_below_out_in_the_same_subfolders(bench: WatchBench) -> None:
    bench.put("a.wav", "sub/b.wav", "made/old.wav")
    await bench.run_until_idle(out=bench.folder / "made")
    folders = [ask[1].place.folder for ask in bench.bridge.asked if ask[0] == "submit"]  # type: ignore[attr-defined]
    assert folders == [str(bench.folder / "made/a"), str(bench.folder / "made/sub/b")]


async def test_other_content_is_another_song_and_a_touched_file_is_none(bench: WatchBench) -> None:
    bench.put("a.wav", "b.wav")
    await bench.run_until_idle()
    bench.put("a.wav", content="other music")
    os.utime(bench.folder / "b.wav", (1, 1))
    await bench.run_until_idle()
    assert bench.bridge.sources == ["a.wav", "b.wav", "a.wav"]
    await bench.run_until_idle()
    assert len(bench.bridge.sources) == 3


async def test_a_song_with_a_date_far_in_the_future_is_done_as_the_others(bench: WatchBench) -> None:
    """Of a year after 2262, whose nanoseconds a database has no room for; some drives have no room for it either."""
    bench.put("a.wav", "b.wav")
    os.utime(bench.folder / "a.wav", (13_570_000_000, 13_570_000_000))
    for _ in range(2):
        await bench.run_until_idle()
    assert bench.bridge.sources == ["a.wav", "b.wav"]


@pytest.mark.parametrize("kept", ["the job's id", "only the intention"])
async def test_after_a_kill_the_job_that_goes_on_is_found_again(bench: WatchBench, kept: str) -> None:
    bench.put("a.wav")
    bench.bridge.is_held = True
    async with bench.watching():
        await bench.until(lambda: len(bench.bridge.table) == 1)
    ledger = ClipLedger(bench.root / "state", bench.folder)
    clip = ledger.read()["a.wav"]
    assert clip.state == "submitted"
    ledger.put([replace(clip, job="job1" if kept == "the job's id" else "")])
    ledger.close()
    async with bench.watching() as watch:
        bench.bridge.is_held = False
        bench.bridge.work_through()
        await asyncio.wait_for(watch.until_idle(), PATIENCE_SECONDS)
    assert bench.bridge.sources == ["a.wav"]
    assert read_ledger(bench.root / "state", bench.folder)["a.wav"].state == "done"


async def test_after_a_kill_before_the_job_was_kept_it_is_submitted(bench: WatchBench) -> None:
    bench.put("a.wav")
    await bench.run_until_idle()
    ledger = ClipLedger(bench.root / "state", bench.folder)
    ledger.put([replace(ledger.read()["a.wav"], state="submitted", job="", unix_seconds=2e9)])
    ledger.close()
    await bench.run_until_idle()
    assert bench.bridge.sources == ["a.wav", "a.wav"]


async def test_what_has_failed_is_listed_and_tried_again_when_it_is_wished(bench: WatchBench) -> None:
    bench.put("a.wav", "b.wav")
    failure = Failure(code="engine_failed", message="It did not work.")
    bench.bridge.outcome_of = lambda job: failure if job.request.source.endswith("a.wav") else "done"
    await bench.run_until_idle()
    await bench.run_until_idle()
    assert len(bench.bridge.sources) == 2
    listed = read_ledger(bench.root / "state", bench.folder)["a.wav"]
    assert (listed.state, listed.code, listed.message) == ("failed", "engine_failed", "It did not work.")
    bench.bridge.outcome_of = lambda _: "done"
    await bench.run_until_idle(again=True)
    assert bench.bridge.sources == ["a.wav", "b.wav", "a.wav"]
    assert read_ledger(bench.root / "state", bench.folder)["a.wav"].state == "done"


async def test_what_has_failed_and_was_removed_is_forgotten(bench: WatchBench) -> None:
    bench.put("a.wav", "b.wav")
    bench.bridge.outcome_of = lambda _: Failure(code="engine_failed", message="It did not work.")
    await bench.run_until_idle()
    (bench.folder / "a.wav").unlink()
    watch = await bench.run_until_idle()
    assert [(clip.path, clip.state) for clip in watch.known.values()] == [("b.wav", "failed")]
    assert [*read_ledger(bench.root / "state", bench.folder)] == ["b.wav"]


async def test_a_job_that_the_user_cancels_is_not_begun_again(bench: WatchBench) -> None:
    bench.put("a.wav")
    bench.bridge.outcome_of = lambda _: "cancelled"
    await bench.run_until_idle()
    await bench.run_until_idle()
    assert len(bench.bridge.sources) == 1
    assert read_ledger(bench.root / "state", bench.folder)["a.wav"].code == "cancelled"


async def test_a_file_that_is_not_whole_is_waited_for(bench: WatchBench) -> None:
    bench.put("a.wav", "b.wav")
    path = str(bench.folder / "a.wav")
    bench.bridge.looks[path] = FileLook(path=path, seconds=1.0, is_cut_off=True)
    async with bench.watching() as watch:
        await bench.until(lambda: "b.wav" in bench.ends() and "a.wav" in watch.known)
        assert watch.known["a.wav"].state == "waiting"
        assert "less audio" in watch.known["a.wav"].message
        del bench.bridge.looks[path]
        bench.put("a.wav", content="now it is whole")
        await bench.until(lambda: len(bench.ends()) == 2)
    assert bench.bridge.sources == ["b.wav", "a.wav"]


@pytest.mark.parametrize("when", ["while it is watched", "afterwards"])
async def test_a_file_that_was_waited_for_and_is_taken_away_is_forgotten(bench: WatchBench, when: str) -> None:
    bench.put("a.wav")
    path = bench.folder / "a.wav"
    bench.bridge.looks[str(path)] = FileLook(path=str(path), is_cut_off=True)
    async with bench.watching(is_polled=True) as watch:
        await bench.until(lambda: len(watch.known) == 1)
        if when == "while it is watched":
            path.unlink()
            await asyncio.wait_for(watch.until_idle(), PATIENCE_SECONDS)
    path.unlink(missing_ok=True)
    if when == "afterwards":
        await bench.run_until_idle()
    assert read_ledger(bench.root / "state", bench.folder) == {}


async def test_a_file_that_never_can_be_read_is_given_up_with_its_reason(
    bench: WatchBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.watch.settling.PATIENCE_SECONDS", 0.3)
    bench.put("a.wav")
    path = str(bench.folder / "a.wav")
    bench.bridge.looks[path] = FileLook(path=path, refusal=Failure(code="not_audio", message="a.wav is not audio."))
    await bench.run_until_idle()
    assert bench.ends() == {"a.wav": "failed"}
    assert bench.bridge.sources == []


async def test_a_broken_file_that_has_lain_there_for_long_is_given_up_at_once(
    bench: WatchBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def unchanged_seconds(path: Path, now_unix: float) -> float:
        asked.append(path)
        return now_unix  # since 1970

    monkeypatch.setattr("bridge.watch.folder_watch.unchanged_seconds", unchanged_seconds)
    bench.put("noise.wav", "cut.wav")
    noise, cut = (str(bench.folder / name) for name in ("noise.wav", "cut.wav"))
    bench.bridge.looks[noise] = FileLook(path=noise, refusal=Failure(code="not_audio", message="It is not audio."))
    bench.bridge.looks[cut] = FileLook(path=cut, is_cut_off=True)
    await bench.run_until_idle()
    assert bench.ends() == {"noise.wav": "failed", "cut.wav": "failed"}
    assert asked == [Path(cut), Path(noise)]


async def test_a_file_that_its_drive_refuses_is_tried_again_however_old_it_is(
    bench: WatchBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.watch.folder_watch.unchanged_seconds", lambda *_: 1e9)
    bench.put("a.wav")
    path = str(bench.folder / "a.wav")
    refusal = Failure(code="not_readable", message="a.wav cannot be read: Input/output error.")
    bench.bridge.looks[path] = FileLook(path=path, refusal=refusal)
    async with bench.watching() as watch:
        await bench.until(lambda: "a.wav" in watch.known)
        assert watch.known["a.wav"].state == "waiting"
        del bench.bridge.looks[path]
        await asyncio.wait_for(watch.until_idle(), PATIENCE_SECONDS)
    assert bench.ends() == {"a.wav": "done"}


@pytest.mark.parametrize(
    ("error", "state"), [(PermissionError(13, "Permission denied", "/out"), "waiting"), (KeyError("x"), "failed")]
)
async def test_a_fault_with_one_clip_ends_no_watch(
    bench: WatchBench, monkeypatch: pytest.MonkeyPatch, error: Exception, state: str
) -> None:
    def fail(request: JobRequest, digest: str) -> bool:
        if request.source.endswith("a.wav"):
            raise error
        return has_results(request, digest)

    monkeypatch.setattr("bridge.watch.folder_watch.has_results", fail)
    bench.put("a.wav", "b.wav")
    async with bench.watching(is_polled=True) as watch:
        await bench.until(lambda: bench.ends().get("b.wav") == "done")
        assert watch.known["a.wav"].state == state
        assert watch.known["a.wav"].message


async def test_a_request_that_can_never_be_done_fails_at_once(bench: WatchBench) -> None:
    bench.put("a.wav")
    bench.bridge.refuse = OutsideRoots("a.wav is outside the folders that this bridge may use.")
    await bench.run_until_idle()
    assert read_ledger(bench.root / "state", bench.folder)["a.wav"].code == "outside_roots"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes any bytes")
async def test_a_name_that_is_no_text_is_listed_and_ends_nothing(bench: WatchBench) -> None:
    name = os.fsdecode(b"caf\xe9.wav")
    bench.put(name, "b.wav")
    path = str(bench.folder / name)
    bench.bridge.looks[path] = FileLook(path=path, refusal=Failure(code="bad_arguments", message="No UTF-8."))
    async with bench.watching() as watch:
        await bench.until(lambda: len(bench.ends()) == 2)
        (bench.folder / os.fsdecode(b"d\xe9j\xe0.wav")).write_text("more")
        bench.put("c.wav")
        await bench.until(lambda: "c.wav" in watch.known)
    assert bench.ends()[name] == "failed"


async def test_somebody_else_goes_first(bench: WatchBench) -> None:
    bench.bridge.is_held = True
    await bench.bridge.submit(other_job())
    await bench.bridge.submit(other_job())
    bench.put("a.wav", "b.wav")
    async with bench.watching():
        for job in ("job1", "job2"):
            bench.bridge.start(job)
            await bench.until(lambda: len(bench.bridge.table) == 2)
            bench.bridge.end(job, "done")
        await bench.until(lambda: len(bench.bridge.table) == 3)
        bench.bridge.is_held = False
        bench.bridge.work_through()
        await bench.until(lambda: len(bench.ends()) == 2)
    assert bench.bridge.sources == ["clip.wav", "clip.wav", "a.wav", "b.wav"]


async def test_a_clip_that_has_just_begun_gives_way_and_has_its_turn_again(bench: WatchBench) -> None:
    bench.put("a.wav")
    bench.bridge.is_held = True
    async with bench.watching():
        await bench.until(lambda: len(bench.bridge.table) == 1)
        bench.bridge.start("job1")
        await bench.bridge.submit(other_job())
        await bench.until(lambda: "job1" in bench.bridge.removed)
        assert bench.bridge.sources == ["a.wav", "clip.wav"]
        bench.bridge.is_held = False
        bench.bridge.work_through()
        await bench.until(lambda: len(bench.ends()) == 1)
    assert bench.bridge.sources == ["a.wav", "clip.wav", "a.wav"]
    assert bench.ends() == {"a.wav": "done"}


async def test_clips_of_two_watches_do_not_give_way_to_each_other(bench: WatchBench) -> None:
    bridge, given = bench.bridge, []
    bridge.is_held = True
    for source in ("/one/a.wav", "/other/b.wav"):
        await bridge.submit(other_job(source), origin=WATCH)

    async def give_way() -> None:
        given.append(len(bridge.table))

    ending = asyncio.create_task(Turns(bridge).until_over("job1", give_way))
    await asyncio.sleep(0)
    assert given == []
    await bridge.submit(other_job())
    job = await asyncio.wait_for(ending, PATIENCE_SECONDS)
    assert (job.state, given) == ("cancelled", [3])


async def test_a_folder_is_watched_by_one_program(bench: WatchBench) -> None:
    async with bench.watching():
        with pytest.raises(FolderWatched):
            async with bench.watching():
                pass


async def test_a_folder_that_goes_away_and_comes_back(bench: WatchBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observer, "POLL_SECONDS", 0.05)
    bench.put("a.wav")
    async with bench.watching(is_polled=True):
        await bench.until(lambda: len(bench.ends()) == 1)
        bench.folder.rename(bench.root / "away")
        await bench.until(lambda: "cannot be watched now" in bench.words())
        (bench.root / "away").rename(bench.folder)
        bench.put("b.wav")
        await bench.until(lambda: len(bench.ends()) == 2)
    assert "is there again" in bench.words()
    assert bench.bridge.sources == ["a.wav", "b.wav"]


async def test_where_no_changes_are_told_the_folder_is_polled_with_one_line(
    bench: WatchBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("OS file watch limit reached. (Error { kind: MaxFilesWatch, paths: [] })")

    monkeypatch.setattr(observer, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(watchfiles, "watch", refuse)
    async with bench.watching() as watch:
        await asyncio.wait_for(watch.until_idle(), PATIENCE_SECONDS)
        bench.put("a.wav")
        await bench.until(lambda: len(bench.ends()) == 1)
    assert bench.words().count("limit for watched folders is reached") == 1


async def test_a_drive_that_does_not_answer_holds_up_nothing_and_is_told_once(
    bench: WatchBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()

    def answer_late(*given: Any) -> Scan | None:
        return scan(*given) if answers.wait(60) else None

    monkeypatch.setattr(observer, "scan", answer_late)
    monkeypatch.setattr(observer, "ANSWER_SECONDS", 0.05)
    bench.put("a.wav")
    async with bench.watching(is_polled=True):
        await bench.until(lambda: "does not answer" in bench.words())
        answers.set()
        await bench.until(lambda: len(bench.ends()) == 1)
    assert bench.words().count("does not answer") == 1


async def test_a_lost_ledger_is_made_good_by_the_results(bench: WatchBench) -> None:
    bench.put("a.wav", "b.wav")
    put_results(bench.folder / "a.wav")
    await bench.run_until_idle()
    assert bench.bridge.sources == ["b.wav"]
    assert bench.ends() == {"a.wav": "done", "b.wav": "done"}


async def test_a_watch_that_ends_by_a_bug_says_so(bench: WatchBench, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*_: object) -> bool:
        raise RuntimeError("a bug")

    monkeypatch.setattr(observer, "scan", wrong)
    async with bench.watching() as watch:
        await asyncio.wait_for(watch.is_broken.wait(), PATIENCE_SECONDS)
    assert [news.level for news in bench.news if isinstance(news, Noticed)] == ["error"]
