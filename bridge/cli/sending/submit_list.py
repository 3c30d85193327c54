"""`sab submit --list`: the clips of a script, each with options of its own, in one call."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

from bridge import PROTOCOL_VERSION
from bridge.cli import shared
from bridge.cli.clips import new_group_name
from bridge.cli.output.terminal import write_error, write_line
from bridge.cli.sending.followed_jobs import FollowedJobs, concerns_all_clips
from bridge.config import Settings
from bridge.errors import BridgeError
from bridge.integrations.clip_list import FILE, AnswerFile, read_list
from bridge.osc.access.keys import keys_for
from bridge.osc.client import open_client


async def submit_list(settings: Settings, path: Path, answers_path: Path | None, called_by: str) -> int:
    """Submits the clips of a list, several as one group, each as soon as there is room in the queue.

    Prints the jobs' names, unless there is a file for the answers. A clip that is refused stops no other. The bridge
    shows `called_by` as the name of the client.

    Raises:
        NotReadable, NotWritable, BadArguments: the list or the file for the answers; nothing was submitted.
        NoAnswer: the bridge does not answer, or not any more.
    """
    status = shared.DONE
    with nullcontext() if answers_path is None else AnswerFile(answers_path) as answers:
        clips = read_list(path)
        together: dict[str, str | float] = {}
        if len(clips) > 1:
            together = {"group": clips[0].get("group") or new_group_name(None), "clips": len(clips)}
        async with open_client(settings.host, settings.port, keys_for(settings)) as client:
            client.send("/sab/hello", called_by, PROTOCOL_VERSION)
            followed = FollowedJobs(client, prints=False, waits_for_room=True)
            for number, clip in enumerate(clips, 1):
                options = {key: value for key, value in clip.items() if key != FILE}
                try:
                    job = await followed.submit(clip[FILE], {**options, **together})
                except BridgeError as error:
                    if concerns_all_clips(error):
                        raise
                    status = shared.FAILED
                    if answers is None:
                        write_error(error.code, f"{clip[FILE]}: {error}")
                    else:
                        answers.refused(number, error)
                else:
                    if answers is None:
                        write_line(job)
                    else:
                        answers.accepted(number, job)
    return status
