"""`sab live`: submits the clip that is selected in Ableton Live to the running bridge, without Max."""

from __future__ import annotations

from typing import Annotated

import typer

from bridge.cli import shared
from bridge.cli.output.terminal import write_note
from bridge.cli.submit import Pairs, Wait, read_pairs, submit_file
from bridge.errors import BadArguments
from bridge.osc.ableton_osc import ANSWER_PORT, LIVE_PORT, selected_clip

LivePort = Annotated[int, typer.Option("--live-port", help="The UDP port where AbletonOSC listens.")]
AnswerPort = Annotated[int, typer.Option("--answer-port", help="The UDP port that it answers to.")]
Session = Annotated[
    bool,
    typer.Option("--session", help="The Session's clip is meant, though its track has clips in the Arrangement, too."),
]


@shared.command
async def live(
    pairs: Pairs = None,
    wait: Wait = False,
    session: Session = False,
    host: shared.Host = None,
    port: shared.Port = None,
    live_port: LivePort = LIVE_PORT,
    answer_port: AnswerPort = ANSWER_PORT,
) -> int:
    """Submit the clip that is selected in Ableton Live's Session view to a running bridge. Prints the job's name.

    Live must run with the control surface script AbletonOSC, which knows the selected track and scene, but not whether
    the Arrangement is in front. Options given as KEY VALUE override those from Live.
    """
    settings = shared.settings_from(host=host, port=port)
    options = read_pairs(pairs or ())
    clip = await selected_clip(live_port, answer_port)
    if clip.may_be_another and not session:
        count = clip.arrangement_clips
        raise BadArguments(
            f"Which clip? Selected in the Session is {clip.summary}; its track also has {count} in the Arrangement, "
            "and AbletonOSC does not tell which view is in front.",
            advice="Say sab live --session to send that one. A clip of the Arrangement: with the device, or as a file.",
        )
    if clip.set_is_unsaved and not {"project", "out"} & options.keys():
        raise BadArguments(
            "This clip was recorded into a Live Set that has not been saved, so there is no folder for its stems.",
            advice="Save the set (Ctrl+S or Cmd+S), or name a folder: sab live out FOLDER.",
        )
    write_note(f"Sending {clip.summary}.")
    if clip.warped and not {"start", "end"} & options.keys():
        write_note("The clip is warped: the bridge takes its whole file, in the file's own tempo.")
    return await submit_file(settings, clip.path, {**clip.options(), **options}, wait=wait)
