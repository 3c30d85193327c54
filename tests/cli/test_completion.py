"""What a shell offers after Tab, asked for as a shell asks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.options.table import OPTIONS
from bridge.separation.catalogue import known_engines
from bridge.stems import STEMS


def offered(*words: str, models: Path | None = None) -> list[str]:
    """What bash offers for the last of the words, in a process of its own as a shell starts it."""
    environment = {**os.environ, "_SAB_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(("sab", *words))}
    environment["COMP_CWORD"] = str(len(words))
    if models is not None:
        environment["SAB_MODELS_DIR"] = str(models)
    command = [sys.executable, "-m", "bridge"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout.split()


@pytest.mark.end_to_end
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["proc"], {"process"}),
        (["process", "--sync"], set()),
        (["process", "--format", "fl"], {"flac"}),
        (["process", "--stems", "vocals,dr"], {"vocals,drums"}),
        (["transcribe", "--as", "ba"], {"bass"}),
        (["install", "re"], {"reaper"}),
        (["serve", "--sync", "ja"], {"jack"}),
        (["process", "--tempo", "1"], set()),
    ],
)
def test_bash_is_offered_what_goes_on(words: list[str], expected: set[str]) -> None:
    assert set(offered(*words)) == expected


@pytest.mark.end_to_end
def test_engines_are_offered_with_the_users_own(tmp_path: Path) -> None:
    (tmp_path / "my-model.yaml").write_text("models: ['a1']\n")
    assert offered("process", "--engine", "", models=tmp_path) == list(known_engines(tmp_path))
    assert offered("models", "pull", "my-", models=tmp_path) == ["my-model"]


@pytest.mark.end_to_end
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_the_script_for_each_shell_is_printed(shell: str) -> None:
    environment = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    command = [sys.executable, "-m", "bridge", "completion", "show", shell]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "_SAB_COMPLETE" in done.stdout


def test_every_suggestion_is_a_value_that_the_option_takes() -> None:
    for name, option in OPTIONS.items():
        for word in option.kind.suggestions:
            option.read(word)
        assert not option.kind.takes_several or option.kind.suggestions, name
    assert set(STEMS) < set(OPTIONS["stems"].kind.suggestions)
