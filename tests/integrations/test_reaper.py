"""REAPER's scripts, in a real Lua interpreter with a fake REAPER and a fake `sab` that records what it is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.integrations.daws import lua_text
from tests.integrations.reaper import BRING, IMPORT, KARAOKE, LUA, SEND, STEMS, Studio, item, messages, placed

pytestmark = pytest.mark.skipif(LUA is None, reason="no Lua interpreter is installed (Debian: lua5.3)")


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(tmp_path)


# Sending


def test_the_part_of_the_file_that_the_item_plays_is_submitted(studio: Studio) -> None:
    studio.run(item(), SEND)
    (job,) = studio.submitted()
    assert (job.source, job.start_seconds, job.end_seconds) == ("/clips/it's.wav", 2.5, 4.0)
    assert (job.name, job.tempo_bpm) == ("loop", 120.0)
    assert job.out == str(studio.project / "stems" / "loop")
    assert job.project == str(studio.project / "song.rpp")
    assert "group" not in studio.written()[0]


def test_a_take_that_plays_faster_uses_more_of_its_file_at_a_lower_tempo(studio: Studio) -> None:
    studio.run(item(rate=2.0), SEND)
    (job,) = studio.submitted()
    assert (job.start_seconds, job.end_seconds, job.tempo_bpm) == (2.5, 5.5, 60.0)


@pytest.mark.parametrize("denominator", [2, 4, 8, 16])
def test_the_tempo_is_that_of_quarter_notes_in_every_metre(studio: Studio, denominator: int) -> None:
    studio.run(item(), SEND, denominator=denominator, tempo=90.0)
    assert [job.tempo_bpm for job in studio.submitted()] == [90.0]


def test_a_section_starts_within_its_file(studio: Studio) -> None:
    studio.run(item(section=10), SEND)
    (job,) = studio.submitted()
    assert (job.start_seconds, job.end_seconds) == (12.5, 14.0)


def test_two_items_of_one_name_get_separate_folders(studio: Studio) -> None:
    studio.run(f"{item()}, {item()}", SEND)
    assert [Path(job.out or "").name for job in studio.submitted()] == ["loop", "loop 2"]


def test_several_items_are_one_group_in_one_call(studio: Studio) -> None:
    studio.run(", ".join(item(name=name) for name in ("verse", "chorus", "bridge")), SEND)
    groups = [clip["group"] for clip in studio.written()]
    assert len(groups) == 3 and len(set(groups)) == 1
    assert groups[0].startswith("verse + 2 at ")


def test_a_name_is_cut_to_fit_into_the_name_of_a_group(studio: Studio) -> None:
    studio.run(f"{item(name='ü' * 90)}, {item()}", SEND)
    assert all(len(job.group) <= 64 for job in studio.submitted())


@pytest.mark.parametrize(
    ("refused", "why"),
    [
        ({"stretch": 2}, "it has stretch markers; glue it first"),
        ({"reversed": "true"}, "it is reversed; render it to a new take first"),
        ({"start": -1, "item": "{ B_LOOPSRC = 0 }"}, "it starts before its file does; trim it first"),
        ({"start": 70, "item": "{ B_LOOPSRC = 0 }"}, "it starts after its file ends"),
        ({"midi": "true"}, "it has no audio file"),
        ({"seconds": 0}, "REAPER cannot read its file"),
    ],
)
def test_an_item_that_cannot_be_sent_is_named_with_its_reason(
    studio: Studio, refused: dict[str, object], why: str
) -> None:
    output = studio.run(f"{item(**refused)}, {item(name='good')}", SEND)
    assert messages(output) == [f"Not sent: Item 1: {why}"]
    assert [job.name for job in studio.submitted()] == ["good"]
    assert ["waiting", "1"] in output


@pytest.mark.parametrize(("off", "waiting"), [("{}", "0"), ("{ stretch = true }", "1")])
def test_a_rule_of_the_fake_can_be_switched_off(studio: Studio, off: str, waiting: str) -> None:
    assert ["waiting", waiting] in studio.run(item(stretch=2), SEND, off=off)


def test_karaoke_asks_for_the_vocals_and_the_song_without_them(studio: Studio) -> None:
    studio.run(item(), KARAOKE)
    (job,) = studio.submitted()
    assert list(job.stems) == ["vocals", "instrumental"]
    studio.run(item(), SEND)
    assert "stems" not in studio.written()[1]


def test_nothing_selected_is_said(studio: Studio) -> None:
    assert messages(studio.run("", SEND)) == ["Select one or more audio items first."]


def test_a_rejection_is_shown_and_no_job_waits(studio: Studio) -> None:
    output = studio.run(item("/clips/lost.wav"), SEND)
    assert ["waiting", "0"] in output
    assert messages(output) == ['Not sent: loop: There is no "such" file. Look.']


def test_a_rejected_item_stops_no_other(studio: Studio) -> None:
    output = studio.run(f"{item('/clips/lost.wav', name='gone')}, {item(name='good')}", SEND)
    assert messages(output) == ['Not sent: gone: There is no "such" file. Look.']
    assert ["waiting", "1"] in output


def test_a_bridge_that_does_not_run_is_said_and_no_job_waits(studio: Studio) -> None:
    output = studio.run(f"{item('/clips/nobody.wav')}, {item()}", SEND)
    (message,) = messages(output)
    assert "The bridge does not answer. Start it with `sab`" in message
    assert ["waiting", "0"] in output


def test_a_command_that_does_not_start_is_said_after_a_while(studio: Studio) -> None:
    output = studio.run(item(), SEND, silent="true")
    (message,) = messages(output)
    assert "The command sab did not start; run `sab install reaper` again." in message
    assert ["waiting", "0"] in output


def test_a_command_that_is_killed_is_not_waited_for_and_its_job_still_waits(studio: Studio) -> None:
    output = studio.run(item("/clips/killed.wav"), SEND)
    assert messages(output) == []
    assert ["waiting", "1"] in output


def test_looking_at_another_project_meanwhile_changes_nothing(studio: Studio) -> None:
    output = studio.run(f"{item('/clips/lost.wav')}, {item()}", SEND, IMPORT, switches="true")
    assert ["waiting", "1"] in output
    assert messages(output)[1].startswith("Not done yet: loop.")


# Importing


def test_an_unfinished_job_keeps_waiting(studio: Studio) -> None:
    output = studio.run(item(), SEND, IMPORT)
    assert "Not done yet: loop" in output[0][1]
    assert ["waiting", "1"] in output


def test_jobs_that_nobody_waits_for_are_forgotten(studio: Studio) -> None:
    assert ["waiting", "0"] in studio.run(f"{item()}, {item()}", SEND, IMPORT, no="true")


@pytest.mark.parametrize("name", ["loop", "a [b] (c) {d}", "it's 50 % ~ ü", "Fu\u0308r E\u0301lise"])
@pytest.mark.parametrize("in_project", ["true", "false"])
def test_results_are_placed_where_the_item_was_and_named_after_their_stems(
    studio: Studio, name: str, in_project: str
) -> None:
    studio.finish(name)
    output = studio.run(item(name=name, rate=2.0), SEND, BRING, IMPORT, in_project=in_project)
    assert output[:2] == [["undo", "Import stems and notes"], ["waiting", "0"]]
    folder = studio.project / "stems" / name
    assert placed(output) == [
        [f"{name} ({s})", f"{name} ({s})", "8.25", "1.5", rate, str(folder / f"{name} ({s}).{ending}")]
        for rate, ending in (("2", "wav"), ("1", "mid"))
        for s in STEMS
    ]


def test_opposites_get_tracks_too(studio: Studio) -> None:
    studio.finish("loop", opposites=["instrumental", "no_drums"])
    tracks = [line[0] for line in placed(studio.run(item(), SEND, BRING, IMPORT))]
    stems = [f"loop ({stem})" for stem in STEMS]
    assert tracks == [*stems, "loop (Instrumental)", "loop (No Drums)", *stems]


def test_a_missing_result_is_reported_and_the_others_are_placed(studio: Studio) -> None:
    studio.finish("loop")
    (studio.project / "stems" / "loop" / "loop (Drums).wav").unlink()
    output = studio.run(item(), SEND, BRING, IMPORT)
    assert output[:3] == [
        ["undo", "Import stems and notes"],
        ["message", "Not imported, because these files no longer exist: loop (Drums).wav"],
        ["waiting", "0"],
    ]
    assert [line[0] for line in placed(output)][:4] == ["loop (Vocals)", "loop (Bass)", "loop (Other)", "loop (Vocals)"]


def test_importing_without_a_job_shows_a_message(studio: Studio) -> None:
    assert studio.run(item(), IMPORT)[0] == ["message", "Nothing to import: no item of this project was sent."]


def test_items_sent_together_share_a_track_for_each_stem_in_their_order(studio: Studio) -> None:
    studio.finish("verse", "chorus", stems=["Vocals", "Drums"])
    items = f"{item(name='verse', place=4, track=1)}, {item(name='chorus', place=5.5, track=1)}"
    output = studio.run(items, SEND, BRING, IMPORT)
    assert [line[:3] for line in placed(output, 2)] == [
        [stem, f"{name} ({stem})", place]
        for _ in ("audio", "notes")
        for stem in ("Vocals", "Drums")
        for name, place in (("verse", "4"), ("chorus", "5.5"))
    ]
    assert ["tracks", "5"] in output
    assert ["waiting", "0"] in output  # nor does the project remember the tracks


def test_an_item_of_a_group_that_is_done_later_joins_the_tracks(studio: Studio) -> None:
    studio.finish("verse", stems=["Vocals"])
    (studio.folder / BRING).rename(studio.folder / "bring verse.lua")
    studio.finish("chorus", stems=["Vocals"])
    items = f"{item(name='chorus', place=4, track=1)}, {item(name='verse', place=6, track=1)}"
    output = studio.run(items, SEND, "bring verse.lua", IMPORT, BRING, IMPORT)
    assert [line[:2] for line in placed(output, 2)] == [
        ["Vocals", f"{name} (Vocals)"] for _ in ("audio", "notes") for name in ("verse", "chorus")
    ]
    assert ["waiting", "0"] in output


def test_items_of_a_group_that_overlap_do_not_share_a_track(studio: Studio) -> None:
    studio.finish("left", "right", stems=["Vocals"])
    items = f"{item(name='left', place=4)}, {item(name='right', place=5)}"
    output = studio.run(items, SEND, BRING, IMPORT)
    # The second source track lies below: each track of the group is below the first one's.
    tracks = [line[1] for line in output if line[0] == "item"]
    assert tracks == ["Track 1", "Vocals", "Vocals", "Vocals", "Vocals", "Track 2"]
    assert ["tracks", "6"] in output


def test_jobs_of_earlier_scripts_are_imported_as_before(studio: Studio) -> None:
    studio.finish("loop")
    out = studio.project / "stems" / "loop"
    value = f"8.25\t2\t{{track 1}}\t{out}\tloop"
    (studio.folder / "earlier.lua").write_text(
        f'reaper.SetProjExtState (0, "SourceAudioBridge", "{{1}}", {lua_text(value)})'
    )
    output = studio.run(item(), "earlier.lua", BRING, IMPORT)
    assert [line[2:5] for line in placed(output)] == [["8.25", "0.75", "2"]] * 4 + [["8.25", "2", "1"]] * 4


# What is heard

SOUND = {
    "plain": {},
    "gain, and phase turned": {"item": "{ D_VOL = 0.5 }", "take": "{ D_VOL = -0.25, D_PAN = 0.3, D_PANLAW = 1 }"},
    "pitch": {"take": "{ D_PITCH = -2.5, I_PITCHMODE = 65536 }"},
    "faster, with its pitch": {"rate": 1.5},
    "faster, as a tape": {"rate": 1.5, "take": "{ B_PPITCH = 0, D_PITCH = 1 }"},
    "faded": {
        "item": "{ D_FADEINLEN = 1.2, D_FADEOUTLEN = 0.25, C_FADEINSHAPE = 3, C_FADEOUTSHAPE = 2, D_FADEINDIR = 0.5, "
        "D_FADEOUTDIR = -0.5, D_FADEINLEN_AUTO = 0.1, D_FADEOUTLEN_AUTO = 0.2 }"
    },
    "one channel": {"take": "{ I_CHANMODE = 3 }"},
    "longer than its file": {"seconds": 3.25, "item": "{ B_LOOPSRC = 0 }"},
    "longer by less than a sample": {"seconds": 3.99999, "item": "{ B_LOOPSRC = 1 }"},
    "looped": {"seconds": 1.75, "start": 0.5, "length": 4.0},
    "looped, from before its start": {"seconds": 1.75, "start": -0.5, "length": 4.0},
    "looped, faster": {"seconds": 1.75, "start": 0.5, "length": 4.0, "rate": 1.25},
    "looped, a section": {"seconds": 1.75, "start": 0.5, "length": 4.0, "section": 10},
}


@pytest.mark.parametrize("sound", SOUND.values(), ids=SOUND)
def test_stems_sound_where_and_as_the_item_does(studio: Studio, sound: dict[str, object]) -> None:
    """At each moment item and stem play the same place of the file, with one volume, pan and pitch."""
    studio.finish("loop", stems=["Vocals"])
    values = {"start": 2.5, "length": 1.5, "seconds": 60.0, **sound}
    moments = [8.0, *(8.25 + step / 16 for step in range(80))]
    plan = {"moments": f"{{ {', '.join(map(str, moments))} }}"}
    studio.run(item(**values), SEND)
    (job,) = studio.submitted()
    section, length = float(str(sound.get("section", 0))), float(str(values["seconds"]))
    stop = section + length if job.end_seconds is None else job.end_seconds
    (studio.folder / "asked").unlink()
    output = studio.run(item(**values), SEND, BRING, IMPORT, stem_seconds=stop - job.start_seconds, **plan)
    heard = [line[2:] for line in output if line[0] == "heard"]
    source, stem = heard[: len(moments)], heard[len(moments) : 2 * len(moments)]
    for of_source, of_stem in zip(source, stem, strict=True):
        assert of_source[:1] == of_stem[:1]
        assert of_source[2:] == of_stem[2:]
        if of_source[1] != "nothing":
            assert float(of_source[1]) == pytest.approx(job.start_seconds + float(of_stem[1]), abs=1e-6)
        else:
            assert of_stem[1] == "nothing"
    assert sum(line[1] != "nothing" for line in source) > 10


def test_notes_of_a_loop_repeat_with_it_and_follow_its_pitch(studio: Studio) -> None:
    studio.finish("loop", stems=["Bass", "Drums"])
    looped = item(seconds=2.0, start=0.5, length=6.0, rate=2.0, take="{ B_PPITCH = 0, D_PITCH = -3 }")
    # 2 s of the file are 1 s of the song: 2 beats.
    output = studio.run(
        looped, SEND, BRING, IMPORT, stem_seconds=2.0, midi_beats=2, moments="{ 8.25, 9.0, 9.25, 14.0, 14.25 }"
    )
    heard = [line[1:] for line in output if line[0] == "heard"]
    bass, drums = heard[-10:-5], heard[-5:]
    assert [line[2] for line in bass] == ["0.500000000", "0.000000000", "0.500000000", "0.000000000", "nothing"]
    assert [line[5] for line in bass[:-1]] == ["9"] * 4
    assert [line[5] for line in drums[:-1]] == ["0"] * 4
