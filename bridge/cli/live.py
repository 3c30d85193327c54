"""`sab live`: the clip that is selected in Ableton Live, given to the running bridge, without Max."""

from __future__ import annotations

from typing import Annotated

import typer

from bridge.cli import shared
from bridge.cli.output.terminal import write_note
from bridge.cli.submit import Pairs, Wait, give, read_pairs
from bridge.errors import BadArguments
from bridge.osc.ableton_osc import ANSWER_PORT, LIVE_PORT, selected_clip

LivePort = Annotated[int, typer.Option("--live-port", help="The UDP port where AbletonOSC listens.")]
AnswerPort = Annotated[int, typer.Option("--answer-port", help="The UDP port where it answers.")]


@shared.command
async def live(
    pairs: Pairs = None,
    wait: Wait = False,
    host: shared.Host = None,
    port: shared.Port = None,
    live_port: LivePort = LIVE_PORT,
    answer_port: AnswerPort = ANSWER_PORT,
) -> int:
    """Give a running bridge the clip that is selected in Ableton Live's Session view. Prints the job's name.

    Live must run with the control surface script AbletonOSC. What you write as KEY VALUE wins over what Live says.
    """
    settings = shared.settings_from(host=host, port=port)
    wishes = read_pairs(pairs or ())
    clip = await selected_clip(live_port, answer_port)
    if clip.set_is_unsaved and not {"project", "out"} & wishes.keys():
        raise BadArguments(
            "This clip was recorded into a Live Set that has not been saved, so there is no folder for its stems.",
            advice="Save the set (Ctrl+S or Cmd+S), or name a folder: sab live out FOLDER.",
        )
    if clip.warped and not {"start", "end"} & wishes.keys():
        write_note("The clip is warped: the bridge takes its whole file, in the file's own tempo.")
    return await give(settings, clip.path, {**clip.options(), **wishes}, wait=wait)
