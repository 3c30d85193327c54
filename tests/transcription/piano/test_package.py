"""A package that is missing, of another version, or damaged is never loaded; basic-pitch stands in for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.errors import EngineFailed
from bridge.protocols import Control, Signal
from bridge.transcription.piano import package
from bridge.transcription.piano.package import PianoPackage
from bridge.transcription.registry import TranscriberRegistry
from tests.support.fakes import RecordingControl


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of the right version whose files are not those of the release."""
    (tmp_path / "pretrained").mkdir()
    (tmp_path / "pretrained" / "2.0.pt").write_bytes(b"a pickle of somebody else's")
    (tmp_path / "pretrained" / "2.0.conf").write_text("{}")
    monkeypatch.setattr(package, "package_folder", lambda _: tmp_path)
    monkeypatch.setattr(package, "version", lambda _: package.VERSION)
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_other_weights_are_refused() -> None:
    with pytest.raises(EngineFailed, match="not that of its release") as caught:
        PianoPackage.installed()
    assert "extra piano" in caught.value.advice


def test_missing_weights_are_refused(folder: Path) -> None:
    (folder / "pretrained" / "2.0.pt").unlink()
    with pytest.raises(EngineFailed, match="cannot be read"):
        PianoPackage.installed()


@pytest.mark.usefixtures("folder")
def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "version", lambda _: "3.0.0")
    with pytest.raises(EngineFailed, match=r"3\.0\.0, not 2\.0\.1"):
        PianoPackage.installed()


def test_without_the_extra_pianos_are_read_like_other_stems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "package_folder", lambda _: None)
    transcribers = TranscriberRegistry()
    assert transcribers.for_stem("piano") is transcribers.for_stem("other")


class Silence:
    frames, channels, sample_rate_hz = 0, 1, 22050


@pytest.mark.usefixtures("folder")
def test_a_broken_extra_is_told_and_the_job_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    transcribers, control = TranscriberRegistry(), RecordingControl()
    other, piano = transcribers.for_stem("other"), transcribers.for_stem("piano")
    analysed: list[str] = []

    def analyse(audio: Signal, stem: str, control: Control) -> None:  # noqa: ARG001 - of the seam
        analysed.append(stem)

    monkeypatch.setattr(other, "analyse", analyse)
    piano.analyse(Silence(), "piano", control)  # type: ignore[arg-type]
    assert analysed == ["piano"]
    assert (piano.name, piano.identity()) == (other.name, other.identity())
    assert [warning.code for warning in control.warnings] == ["piano_unavailable"]
    assert "basic-pitch" in control.warnings[0].message and "extra piano" in control.warnings[0].message
