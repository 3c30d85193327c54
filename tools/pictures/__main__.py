"""Takes the pictures of `docs/images` from a real session: a song is added, watched, opened, changed, played, attached.

`python -m tools.pictures [SONG]`, or `make screenshots`: without a song, with the clip that comes with the bridge. It
needs tmux; with JACK the notes play into its ports.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from importlib.resources import files
from pathlib import Path

from tools.pictures.animation import Frame, animated
from tools.pictures.stage import environment, home, jack_server
from tools.pictures.terminal import Terminal, terminal

IMAGES = Path(__file__).parents[2] / "docs" / "images"
TITLE = "Source Audio Bridge"
#: How long a frame of the recording is shown: after a key, and where there is something to see.
KEY_SECONDS, LOOK_SECONDS = 0.5, 2.0
#: The most frames of what moves by itself, and how often one is taken.
MOVING_FRAMES, EVERY_SECONDS = 12, 0.6


#: The opened job shows no toast, and has read all notes with the changed settings.
_NO_TOAST, _ALL_IS_READ = (rf"\A(?![\s\S]*{words})" for words in ("is done", "reading …"))


class Session:
    """One terminal, whose pictures and frames are kept."""

    def __init__(self, shown: Terminal, frames: list[Frame]) -> None:
        self.shown = shown
        self._frames = frames

    def film(self, seconds: float = KEY_SECONDS) -> None:
        """Takes a frame of what is shown, once that has settled."""
        self.shown.settle()
        self._frames.append(Frame(self.shown.picture(TITLE), seconds))

    def press(self, *keys: str) -> None:
        """Presses keys, and takes a frame after each."""
        for key in keys:
            self.shown.press(key)
            self.film()

    def watch(self, until: Callable[[str], bool]) -> None:
        """Takes frames of what moves by itself, until it shows something."""
        frames = 0
        while not until(self.shown.text()):
            if frames < MOVING_FRAMES:
                self._frames.append(Frame(self.shown.picture(TITLE), EVERY_SECONDS))
                frames += 1
            time.sleep(EVERY_SECONDS)

    def keep(self, name: str) -> None:
        """Writes a picture of what is shown to docs/images, and looks at it for a while in the recording."""
        self.film(LOOK_SECONDS)
        path = IMAGES / f"{name}.svg"
        path.write_text(self._frames[-1].svg + "\n", encoding="utf-8")
        sys.stdout.write(f"{path.name}\n")


def tell_the_story(first: Session, second: Callable[[], Session], song: str, *, plays: bool) -> None:
    """What a musician does in the first minutes."""
    first.shown.wait_for("ready")
    first.keep("screen-start")
    first.press("a")
    first.shown.press("C-b")
    first.shown.wait_for("Music/")
    first.press("Enter")
    first.shown.wait_for(song[:8])
    first.keep("screen-browser")
    for letter in song[:4]:
        first.press(letter)
    first.press("Enter")
    first.shown.wait_for("Engine")
    first.shown.wait_for("Part +[▁-█]")
    first.keep("screen-add")
    first.press("Enter")
    first.shown.wait_for("separating|finding notes|writing|done")
    first.press("Enter")
    first.watch(lambda text: bool(re.search("Vocals +[▁-█]{8}", text)) or "BPM" in text)
    first.keep("screen-growing")
    first.watch(lambda text: "BPM" in text)
    first.shown.wait_for(_NO_TOAST)
    first.keep("screen-job")
    first.press("Down", "Down", "S", "Tab", "Right", "Right", "Right")
    first.shown.wait_for(_ALL_IS_READ)
    first.keep("screen-slider")
    first.press("Z")
    if plays:
        first.press("p")
        first.shown.wait_for("▶|♪")
        first.keep("screen-playing")
        attached = second()
        attached.shown.wait_for("attached")
        attached.press("C")
        attached.keep("screen-connections")
        attached.press("Escape", "Enter")
        attached.keep("screen-attached")
        first.press("s", "Escape", "b")
        attached.shown.wait_for("BPM")
    else:
        first.press("Escape")
    first.film(LOOK_SECONDS)


def main() -> int:
    song = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(str(files("bridge.demo") / "clip.ogg"))
    IMAGES.mkdir(exist_ok=True)
    frames: list[Frame] = []
    with ExitStack() as open_things:
        folder = open_things.enter_context(home(song))
        has_jack = open_things.enter_context(jack_server())
        command = "sab --engine draft" + ("" if has_jack else " --no-midi")
        shown = open_things.enter_context(terminal(folder, "first", command, environment()))

        def second() -> Session:
            attached = open_things.enter_context(terminal(folder, "second", "sab", environment()))
            return Session(attached, [])

        tell_the_story(Session(shown, frames), second, song.stem, plays=has_jack)
    (IMAGES / "tour.svg").write_text(animated(frames), encoding="utf-8")
    sys.stdout.write(f"tour.svg: {len(frames)} frames\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
