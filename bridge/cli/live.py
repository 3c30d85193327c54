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


@shared.command
async def live(
    pairs: Pairs = None,
    wait: Wait = False,
    host: shared.Host = None,
    port: shared.Port = None,
    live_port: LivePort = LIVE_PORT,
    answer_port: AnswerPort = ANSWER_PORT,
) -> int:
    """Submit the clip that is selected in Ableton Live's Session view to a running bridge. Prints the job's name.

    Live must run with the control surface script AbletonOSC. Options given as KEY VALUE override those from Live.
    """
    settings = shared.settings_from(host=host, port=port)
    options = read_pairs(pairs or ())
    clip = await selected_clip(live_port, answer_port)
    if clip.set_is_unsaved and not {"project", "out"} & options.keys():
        raise BadArguments(
            "This clip was recorded into a Live Set that has not been saved, so there is no folder for its stems.",
            advice="Save the set (Ctrl+S or Cmd+S), or name a folder: sab live out FOLDER.",
        )
    if clip.warped and not {"start", "end"} & options.keys():
        write_note("The clip is warped: the bridge takes its whole file, in the file's own tempo.")
    return await submit_file(settings, clip.path, {**clip.options(), **options}, wait=wait)
