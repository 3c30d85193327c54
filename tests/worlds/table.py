"""For each command: the worlds in which it runs and its expected outcome, or why it is not run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

NO_PORTS, JACKD, NO_NETWORK, NO_TERMINAL, TERMINAL = "no ports", "jackd", "no network", "no terminal", "terminal"
PLAIN_C, CP437, READ_ONLY, SECOND = "LC_ALL=C", "cp437", "read-only home", "second bridge"
#: All worlds.
EVERYWHERE = (NO_PORTS, JACKD, NO_NETWORK, NO_TERMINAL, TERMINAL, PLAIN_C, CP437, READ_ONLY, SECOND)
#: The worlds with a screen.
ON_SCREEN = (TERMINAL, SECOND)


@dataclass(frozen=True)
class Runs:
    """A command that is run."""

    worlds: Sequence[str]
    says: str = ""
    """A text in its output."""
    status: int = 0
    typed: str = ""
    """The command line to run instead, with its placeholders filled in."""
    with_server: bool = False
    """A bridge runs on the default port meanwhile."""
    in_project: bool = False
    """It runs in the project's folder, not in the user's."""
    keys: Sequence[tuple[str, bytes]] = ()
    """On a terminal: texts to wait for, and the keys to type then."""
    lasts: str = ""
    """Set for a command that runs until Ctrl-C: its output once it runs."""
    elsewhere: Mapping[str, Runs] = field(default_factory=dict)
    """Worlds with a different expected outcome."""

    def at(self, world: str) -> Runs:
        return self.elsewhere.get(world, self)


@dataclass(frozen=True)
class DoesNotRun:
    """A command that no test runs, and why."""

    why: str


_NEEDS_TERMINAL = Runs((), status=2, says="`sab serve` runs without a screen")
_SCREEN = Runs(
    EVERYWHERE,
    says="Source Audio Bridge",
    keys=[("Nothing here yet", b"q")],
    elsewhere={
        **{world: _NEEDS_TERMINAL for world in EVERYWHERE if world not in ON_SCREEN},
        SECOND: Runs((), says="`sab quit` ends it", keys=[("attached", b"q")]),
    },
)
_DEMO = Runs(
    (NO_PORTS, JACKD, NO_NETWORK, NO_TERMINAL, TERMINAL, PLAIN_C, CP437, READ_ONLY, SECOND),
    says="4 stems and 5 MIDI files with",
    in_project=True,
    elsewhere={JACKD: Runs((), says="Playing the notes to the MIDI ports (jack)")},
)
_STEMS = "sab process clip.wav --midi none > said"
_NOTES = "sab transcribe bassline.wav --as bass > said"
_TAKES = "mkdir -p takes && cp clip.wav takes"
_ASKS = Runs((NO_TERMINAL,), status=2, says="Say --yes", elsewhere={})
_NO_MODEL = "weights_unavailable"
_INTERNET = DoesNotRun("it downloads from the internet")
_ADMINISTRATOR = DoesNotRun("it changes the system")
_DEVELOPER = DoesNotRun("it rewrites files of the project")
_MINUTES = DoesNotRun("it measures for minutes")
_PACKAGING = DoesNotRun("tests/packaging builds and installs the wheel")
_NOT_RELEASED = DoesNotRun("the bridge is not released yet; tests/packaging installs its wheel")
_FARM = DoesNotRun("it needs the machines of the example; tests/end_to_end/test_farm.py has some of its own")
_CI = DoesNotRun("this test runs in it")

COMMANDS: dict[str, Runs | DoesNotRun] = {
    # README: installing, and the first commands
    "pipx install source-audio-bridge": _NOT_RELEASED,
    "pipx install .": _PACKAGING,
    "sab demo": Runs((NO_PORTS, NO_NETWORK, TERMINAL), says="4 stems and 5 MIDI files with"),
    "make demo": _DEMO,
    ".venv/bin/sab": _SCREEN,
    "sab": _SCREEN,
    "xcode-select --install": _ADMINISTRATOR,
    "uv venv": DoesNotRun("make does it"),
    "uv pip install --constraint requirements.lock --editable . --group dev": DoesNotRun("make does it"),
    # from the command line
    "sab process song.wav": Runs(EVERYWHERE, says="song (Vocals).wav"),
    "sab process song.wav --stems vocals --midi none": Runs((NO_PORTS, READ_ONLY), says="song (Vocals).wav"),
    "sab process song.wav --two-stems vocals": Runs((NO_PORTS, CP437), says="song (Instrumental).wav"),
    "sab process song.wav --kit": Runs((NO_TERMINAL,), says="song (Drums Kick).wav"),
    "sab transcribe drums.wav --as drums --kit": Runs((NO_TERMINAL,), says="drums (Drums Cymbals).wav"),
    "sab process song.wav --stems no_drums --format m4a": Runs((NO_PORTS, PLAIN_C), says="song (No Drums).m4a"),
    "sab process song.wav --start 30 --end 45 --tempo 98": Runs((NO_PORTS,), says="98 BPM"),
    "sab transcribe bassline.wav --as bass": Runs((NO_PORTS, NO_NETWORK, CP437), says="bassline (Bass).mid"),
    "sab transcribe song.wav --as mix": Runs((NO_PORTS,), says="song.mid"),
    "sab process song.wav --quantise 1/16 --scale auto --picture song.svg": Runs((NO_PORTS,), says="song.svg"),
    "sab process song.wav --reading clean --score --chords file": Runs((NO_PORTS,), says="song.musicxml"),
    "sab process song.wav --dawproject": Runs((NO_PORTS,), says="song.dawproject"),
    "sab process song.wav --shortest 120 --bends mpe": Runs((NO_PORTS,), says="song.mid"),
    "sab models": Runs(EVERYWHERE, says="draft"),
    "sab models show htdemucs": Runs(EVERYWHERE, says="The one to start with"),
    "sab completion show fish": Runs(EVERYWHERE, says="_SAB_COMPLETE"),
    "sab models path": Runs((NO_PORTS, READ_ONLY), says="models"),
    "sab models pull htdemucs": Runs((NO_PORTS, NO_NETWORK, TERMINAL), status=1, says=_NO_MODEL),
    "sab models pull NAME": Runs((NO_NETWORK,), typed="sab models pull htdemucs_6s", status=1, says=_NO_MODEL),
    "sab hear": Runs((NO_PORTS,), status=2, says="PATH"),
    "sab hear stems/song": Runs(
        (NO_PORTS, JACKD, CP437),
        typed=f"bash -c '{_STEMS} && exec sab hear stems/clip --hear-on silent'",
        says="Playing vocals",
        elsewhere={JACKD: Runs((), typed=f"bash -c '{_STEMS} && exec sab hear stems/clip'", says="Playing vocals")},
    ),
    "sab hear stems/song --solo bass,drums": Runs(
        (NO_PORTS,),
        typed=f"bash -c '{_STEMS} && exec sab hear stems/clip --solo bass,drums --hear-on silent'",
        says="Playing drums, bass.",
    ),
    "sab hear stems/song --notes": Runs(
        (NO_PORTS,),
        typed=f"bash -c '{_NOTES} && exec sab hear stems/bassline --notes --hear-on silent'",
        says="Playing bass.",
    ),
    "sab hear song.mid --from 30": Runs(
        (NO_PORTS,),
        typed=f"bash -c '{_NOTES} && exec sab hear \"stems/bassline/bassline (Bass).mid\" --from 1 --hear-on silent'",
        says="Playing bass.",
    ),
    'sab hear "stems/song/song (Bass).wav"': Runs(
        (NO_PORTS,), typed="sab hear clip.wav --hear-on alsa", status=1, says="no output that opens"
    ),
    "sab hear --hear-on pulseaudio": DoesNotRun("it needs PulseAudio"),
    "sab notes song.mid": Runs(
        (NO_PORTS, CP437, PLAIN_C),
        typed="bash -c 'sab transcribe bassline.wav --as bass > said && exec sab notes stems/bassline'",
        says="Bass:",
    ),
    "sab cache": Runs(EVERYWHERE, says="result"),
    "sab doctor": Runs(
        EVERYWHERE,
        says="Installation: complete",
        elsewhere={READ_ONLY: Runs((), status=1, says="SAB_STATE_DIR")},
    ),
    "sab doctor --json": Runs((NO_PORTS,), says='"findings":'),
    "sab doctor --bundle": Runs((NO_PORTS, NO_TERMINAL, CP437), says="Nothing was sent"),
    "sab doctor --bundle FILE.zip": Runs((NO_PORTS,), says="FILE.zip"),
    "sab log": Runs(
        (NO_PORTS, NO_TERMINAL, TERMINAL, PLAIN_C, READ_ONLY), typed="sab log --path && sab log", says="bridge.log"
    ),
    "sab log --follow": Runs(
        (NO_PORTS,),
        typed="bash -c 'sab process clip.wav --engine draft > said && exec sab log --follow'",
        lasts=": done",
    ),
    "sab completion install": DoesNotRun("it asks which shell started it, and changes that shell's settings"),
    "sab ports": Runs(
        EVERYWHERE, says="No MIDI ports", elsewhere={JACKD: Runs((), says="Source Audio Bridge:SAB Vocals")}
    ),
    "sab COMMAND --help": Runs(EVERYWHERE, typed="sab process --help", says="--tempo"),
    "sab process": Runs((NO_PORTS,), status=2, says="FILE"),
    "sab transcribe": Runs((NO_PORTS,), status=2, says="FILE"),
    "sab calibrate": Runs((NO_PORTS, READ_ONLY), says="vocals"),
    "sab calibrate --play": DoesNotRun("it waits for a DAW that rolls"),
    # a server and its clients
    "sab serve": Runs(
        EVERYWHERE,
        lasts="listening on osc.udp://127.0.0.1:9720",
        elsewhere={SECOND: Runs((), status=1, says="choose another port with --port")},
    ),
    "sab tui --connect": Runs(
        (TERMINAL, SECOND, NO_TERMINAL),
        says="No bridge runs on port 9720",
        keys=[("This screen waits", b"q")],
        elsewhere={
            SECOND: Runs((), says="`sab quit` ends it", keys=[("attached", b"q")]),
            NO_TERMINAL: _NEEDS_TERMINAL,
        },
    ),
    "sab tui --connect 9721": Runs((TERMINAL,), says="No bridge runs on port 9721", keys=[("This screen waits", b"q")]),
    # a watched folder
    "sab watch FOLDER": Runs((SECOND,), typed=f"bash -c '{_TAKES} && exec sab watch takes'", lasts="watching "),
    "sab watch ~/Bounces": Runs((READ_ONLY,), status=1, says="not_found"),
    "sab watch ~/Bounces --out ~/Stems --engine htdemucs --stems vocals,instrumental": Runs(
        (NO_PORTS,),
        typed=f"{_TAKES} && sab watch takes --out made --engine draft --stems vocals,instrumental --once && ls made/*",
        says="clip (Instrumental).wav",
    ),
    "sab watch takes/ --once": Runs((CP437,), typed=f"{_TAKES} && sab watch takes/ --once", says="1 done"),
    "sab watch ~/Bounces --list": Runs((PLAIN_C,), typed=f"{_TAKES} && sab watch takes --list", says="0 done"),
    "sab watch ~/Bounces --again": DoesNotRun("tests/watch tries what has failed again"),
    "sab watch ~/Bounces --once": DoesNotRun("`sab watch takes/ --once` runs"),
    "sab quit": Runs((NO_PORTS, PLAIN_C), status=1, says="No bridge runs on port 9720"),
    "sab secret new": Runs((NO_NETWORK,), says="Copy this file to each computer"),
    'pipx install --force "source-audio-bridge[farm]"': _NOT_RELEASED,
    "sab farm certificates": Runs((NO_NETWORK,), says="farm.pem"),
    "sab farm certificates --use farm.pem": Runs((NO_NETWORK,), status=2, says="cannot be read"),
    "sab farm scheduler": Runs((NO_NETWORK,), lasts="the farm's scheduler listens at tls://127.0.0.1:8786"),
    "sab farm scheduler --host 192.168.1.10": _FARM,
    "sab farm worker": Runs((NO_PORTS,), status=2, says="--cluster"),
    "sab farm worker --cluster tls://192.168.1.10:8786 --host 192.168.1.20 --port 8790 --gpu --share /srv/music": _FARM,
    "sab farm worker --cluster tls://192.168.1.10:8786 --host 192.168.1.30 --port 8790 "
    "--map /srv/music=/Volumes/music": _FARM,
    "sab farm status": Runs((NO_PORTS,), status=2, says="--cluster"),
    "sab --cluster tls://192.168.1.10:8786": _FARM,
    "sab farm status --cluster tls://192.168.1.10:8786": _FARM,
    "python -m bridge.farm": DoesNotRun("the bridge itself starts it"),
    "python -m benchmarks.speed.cluster": _MINUTES,
    "python -m benchmarks.speed.cluster --seconds 120": _MINUTES,
    "python -m benchmarks.speed.farm": _MINUTES,
    "python -m benchmarks.speed.farm --rounds 3 --songs 20": _MINUTES,
    "python -m benchmarks.quality.dawproject --schema FOLDER RESULTS": _MINUTES,
    "python -m tests.reliability.library --songs 100000 --kills 6 --seed 7": _MINUTES,
    "sab library": Runs((PLAIN_C,), status=2, says="Missing argument"),
    "python -m tests.reliability.farm --songs 200": _MINUTES,
    "sab secret pass 192.168.1.20": Runs((NO_NETWORK,)),
    "sab serve --host 0.0.0.0 --allow 192.168.1.0/24": Runs((NO_NETWORK,), lasts="listening on osc.udp://0.0.0.0:9720"),
    "sab secret pass 127.0.0.1": Runs((NO_PORTS,)),
    "sab token": Runs((NO_PORTS, PLAIN_C)),
    "sab token --json": Runs((NO_PORTS,), says="http://127.0.0.1:9720"),
    "sab token --new": Runs((NO_NETWORK,), says="are new too"),
    "sab send": Runs((NO_PORTS,), status=2, says="ADDRESS"),
    "sab --port 9721": Runs(
        (TERMINAL, SECOND, NO_TERMINAL),
        says="9721",
        keys=[("Nothing here yet", b"q")],
        elsewhere={NO_TERMINAL: _NEEDS_TERMINAL},
    ),
    "sab submit clip.wav stems vocals,bass tempo 120": Runs((NO_PORTS, NO_NETWORK, CP437, READ_ONLY), with_server=True),
    "sab submit song.wav play live": Runs(
        (JACKD,), typed="sab submit song.wav play live --wait", with_server=True, says="song.mid"
    ),
    "sab submit takes/ --wait": Runs(
        (NO_PORTS,),
        typed="mkdir -p takes && cp clip.wav loop.wav takes && sab submit takes/ --wait",
        with_server=True,
        says="loop.mid",
    ),
    "sab process verse.wav chorus.wav": Runs(
        (NO_PORTS, NO_TERMINAL, CP437),
        typed="cp clip.wav verse.wav && cp loop.wav chorus.wav && sab process verse.wav chorus.wav --engine draft",
        says="2 done",
    ),
    "sab process takes/": Runs(
        (NO_PORTS, TERMINAL),
        typed="mkdir -p takes && cp clip.wav loop.wav takes && sab process takes/ --engine draft",
        says="2 done",
    ),
    "sab library Music/ --out Stems/": Runs(
        (NO_PORTS, NO_TERMINAL, TERMINAL),
        typed="mkdir -p Music && cp clip.wav loop.wav Music && sab library Music/ --out Stems/ --engine draft",
        says="2 songs done",
    ),
    "sab library Jazz/ Rock/ song.wav --out Stems/ --engine good --format flac": Runs(
        (NO_PORTS, PLAIN_C),
        typed="mkdir -p Jazz Rock && cp clip.wav Jazz && cp loop.wav Rock && cp clip.wav song.wav && "
        "sab library Jazz/ Rock/ song.wav --out Stems/ --engine draft --format flac",
        says="3 songs done",
    ),
    "sab library @list.txt --out Stems/": Runs(
        (NO_PORTS, CP437),
        typed="echo clip.wav > list.txt && sab library @list.txt --out Stems/ --engine draft",
        says="1 song done",
    ),
    "sab transcribe takes/ --as bass": Runs(
        (NO_PORTS,),
        typed="mkdir -p takes && cp clip.wav loop.wav takes && sab transcribe takes/ --as bass",
        says="2 done",
    ),
    "sab submit --list clips --answers answers": Runs(
        (NO_PORTS,),
        with_server=True,
        typed="""echo '{"file": "'$PWD'/clip.wav", "stems": "vocals"}' > clips && """
        "sab submit --list clips --answers answers && cat answers",
        says='"answer":"job","clip":1',
    ),
    "sab submit --list": Runs((NO_PORTS,), status=2, says="list"),
    "sab submit": Runs((NO_PORTS,), status=2, says="FILE"),
    "sab submit song.wav project /path/to/session": Runs(
        (NO_PORTS,), typed="sab submit song.wav project session --wait", with_server=True, says="session/stems/song"
    ),
    "sab send /sab/play JOB": Runs(
        (NO_PORTS, JACKD),
        typed="sab submit clip.wav --wait > said && sab send /sab/play $(head -n 1 said)",
        with_server=True,
        says="/sab/done /sab/play",
        elsewhere={NO_PORTS: Runs((), status=1, says="No MIDI back-end answers")},
    ),
    "oscsend localhost 9720 /sab/hello sii shell 1 9721": Runs((NO_PORTS,), with_server=True),
    "oscsend localhost 9720 /sab/subscribe ii 1 3600": Runs((NO_PORTS,), with_server=True),
    "oscsend localhost 9720 /sab/submit sssss /home/me/loop.wav stems vocals,bass engine draft": Runs(
        (NO_PORTS,),
        with_server=True,
        typed="oscsend localhost 9720 /sab/submit sssss $PWD/loop.wav stems vocals,bass engine draft && "
        "until sab send /sab/list | grep ' loop$'; do :; done",
        says="/sab/job",
    ),
    "oscsend localhost 9720 /sab/submit ssfsf /home/me/loop.wav tempo 120 start 2.5": Runs(
        (NO_PORTS,),
        with_server=True,
        typed="oscsend localhost 9720 /sab/submit ssfsf $PWD/bassline.wav tempo 120 start 2.5 && "
        "until sab send /sab/list | grep ' bassline$'; do :; done",
        says="/sab/job",
    ),
    # DAWs
    "sab live": Runs((NO_PORTS, NO_TERMINAL), status=1, says="AbletonOSC"),
    "sab live tempo 92 stems vocals": Runs((NO_PORTS,), status=1, says="AbletonOSC"),
    "sab live --session": Runs((NO_PORTS,), status=1, says="AbletonOSC"),
    "sab install live FOLDER": Runs((NO_PORTS,), status=1, says="There is no folder FOLDER"),
    "sab install": Runs((NO_PORTS,), status=2, says="DAW"),
    "sab install live --remove": Runs((NO_PORTS,), status=1, says="Ableton Live was not found here"),
    "sab install live": Runs((NO_PORTS, TERMINAL), status=1, says="Ableton Live was not found here"),
    "sab install ardour": Runs(
        (TERMINAL, NO_TERMINAL, READ_ONLY),
        says="In Ardour:",
        keys=[("Go on?", b"y\n")],
        elsewhere={NO_TERMINAL: _ASKS, READ_ONLY: _ASKS},
    ),
    "sab install reaper": Runs(
        (TERMINAL, NO_TERMINAL),
        says="In REAPER:",
        keys=[("Go on?", b"y\n")],
        elsewhere={NO_TERMINAL: _ASKS},
    ),
    "sab install ardour --remove": Runs((TERMINAL,), says="remove", keys=[("Go on?", b"y\n")]),
    "sab install reaper --remove": Runs((TERMINAL,), says="remove", keys=[("Go on?", b"y\n")]),
    'ardour7-lua ~/.config/ardour7/scripts/source_audio_bridge_session.lua /path/to/song song 48000 "Guitar" "Keys"': (
        DoesNotRun("tests/end_to_end/test_ardour.py runs it on a session of its own")
    ),
    "jackd -d alsa": DoesNotRun("it needs a sound card"),
    "jackd -r": DoesNotRun("it needs a sound card"),
    # downloads, and changes to the system
    "sudo modprobe snd-seq": _ADMINISTRATOR,
    "uv tool install source-audio-bridge": _NOT_RELEASED,
    "pipx upgrade source-audio-bridge": _NOT_RELEASED,
    "pipx uninstall source-audio-bridge": _NOT_RELEASED,
    'pipx install --force "source-audio-bridge[link]"': _NOT_RELEASED,
    'pipx install --force ".[link]"': _INTERNET,
    'pipx install --force ".[farm]"': _INTERNET,
    'pipx runpip source-audio-bridge install --no-deps "demucs>=4.1,<5"': _NOT_RELEASED,
    'pipx runpip source-audio-bridge install --no-deps "transkun==2.0.1"': _NOT_RELEASED,
    'pip install --no-deps "demucs>=4.1,<5"': _INTERNET,
    '.venv/bin/uv pip install -c requirements.lock -e ".[link]"': _INTERNET,
    "uv pip install --no-binary python-rtmidi --reinstall python-rtmidi": _INTERNET,
    "pipx runpip source-audio-bridge install --no-binary python-rtmidi --force-reinstall python-rtmidi": _NOT_RELEASED,
    "make bundle": DoesNotRun("it takes minutes; python -m tools.try_bundle tries what it makes"),
    # for developers
    "sab -m MODULE": DoesNotRun("only the program in the frozen folder takes it: tests/packaging/test_frozen.py"),
    "python -m bridge.worker": DoesNotRun("the bridge itself starts it"),
    "python -m bridge.midi": DoesNotRun("the bridge itself starts it"),
    "python -m bridge.hearing": DoesNotRun("the bridge itself starts it"),
    "python -m bridge.inspector.outline": DoesNotRun("the bridge itself starts it"),
    "python -m benchmarks.speed.slider CLIP --engine good": _MINUTES,
    "python -m benchmarks.tui": _MINUTES,
    "jackd -R": DoesNotRun("it needs the right to real-time priority"),
    "python -m bridge.reader": DoesNotRun("the bridge itself starts it"),
    "python -m bridge.inspector": DoesNotRun("the bridge itself starts it"),
    "python -m bridge.midi.ports.jack_process": DoesNotRun("the bridge itself starts it"),
    "make test": _CI,
    "make test-fast": _CI,
    "make check": _CI,
    "bash .ci/run": _CI,
    "python -m tools.lock": _INTERNET,
    "python -m tools.check_platforms": _MINUTES,
    "python -m tools.try_bundle dist/sab": DoesNotRun("it needs what make bundle makes"),
    "make screenshots": _DEVELOPER,
    "make device": DoesNotRun("make check runs it"),
    "pre-commit install": _DEVELOPER,
    "python -m bridge.osc.reference docs/osc.md": _DEVELOPER,
    "python -m max_for_live.generator --pictures": _DEVELOPER,
    "python -m max_for_live.generator --tables": _DEVELOPER,
    "pytest tests/tui --snapshot-update": _DEVELOPER,
    "python -m benchmarks.training.drums FOLDER": DoesNotRun("it renders music and trains for half an hour"),
    "python -m tools.make_demo_clip bridge/demo/clip.ogg tests/data/demo_voice.ogg": _DEVELOPER,
    "python tools/full_size_model.py FOLDER": _DEVELOPER,
    "python -m benchmarks.speed.separation": _MINUTES,
    "python -m benchmarks.quality.transcription": _MINUTES,
    "python -m benchmarks.quality.drums": _MINUTES,
    "python -m benchmarks.quality.kit": _MINUTES,
    "python -m benchmarks.quality.tempo --count 80": _MINUTES,
    "python -m benchmarks.speed.memory": _MINUTES,
    "python -m benchmarks.speed.live_take": _MINUTES,
    "python -m benchmarks.quality.live_notes": _MINUTES,
    "python -m benchmarks.speed.load": _MINUTES,
    "python -m benchmarks.speed.hearing": _MINUTES,
    "python -m benchmarks.soak --minutes 20": _MINUTES,
    "python -m tests.reliability.faults --times 1000": _MINUTES,
    "python -m tests.reliability.faults --only NAME --each 20 --verbose": _MINUTES,
    "python -m tests.reliability.report docs/reliability.md": _DEVELOPER,
    "python -m benchmarks.speed.midi --rows jitter": _MINUTES,
}
