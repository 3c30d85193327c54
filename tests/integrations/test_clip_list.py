"""`sab submit --list`: a script's clips in one file, the answers in another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.cli.main import app
from bridge.errors import BadArguments, NotReadable, NotWritable, TooLong
from bridge.integrations.clip_list import AnswerFile, read_list
from bridge.system.files import MAX_SMALL_FILE_BYTES


def answers(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_line_is_a_clip_with_options_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text('{"file":"/\\u0022ü.wav","start":"1.5"}\n\n{"file":"/b.wav"}\n', encoding="utf-8")
    assert read_list(path) == [{"file": '/"ü.wav', "start": "1.5"}, {"file": "/b.wav"}]


@pytest.mark.parametrize("text", ["", "\n", "{}", '{"start":"1"}', '{"file":1}', "[]", "clip.wav", '{"file":"/a"} x'])
def test_a_list_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "list"
    path.write_text(text)
    with pytest.raises(BadArguments, match="list"):
        read_list(path)


def test_a_list_that_is_far_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list"
    with path.open("wb") as file:
        file.truncate(MAX_SMALL_FILE_BYTES + 1)
    with pytest.raises(BadArguments, match="larger"):
        read_list(path)


def test_a_list_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotReadable, match="gone"):
        read_list(tmp_path / "gone")


def test_every_answer_is_there_as_soon_as_it_is_known(tmp_path: Path) -> None:
    path = tmp_path / "answers"
    with AnswerFile(path) as file:
        assert answers(path) == [{"answer": "begun"}]
        file.accepted(1, "job7")
        file.refused(2, TooLong("Too\nlong."))
        assert answers(path)[1:] == [
            {"answer": "job", "clip": 1, "job": "job7"},
            {"answer": "refused", "clip": 2, "code": "too_long", "message": str(TooLong("Too\nlong."))},
        ]
    assert answers(path)[3:] == [{"answer": "end"}]


@pytest.mark.parametrize(
    ("error", "code"),
    [(TooLong("Too long."), "too_long"), (ValueError("x"), "internal"), (KeyboardInterrupt(), "internal")],
)
def test_whatever_goes_wrong_is_answered_and_raised(tmp_path: Path, error: BaseException, code: str) -> None:
    path = tmp_path / "answers"
    with pytest.raises(type(error)), AnswerFile(path):
        raise error
    assert [answer.get("code", answer["answer"]) for answer in answers(path)] == ["begun", code, "end"]


def test_answers_that_cannot_be_written_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotWritable, match="nowhere"):
        AnswerFile(tmp_path / "nowhere" / "answers")


def test_a_list_that_is_wrong_is_answered_too(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["submit", "--list", str(tmp_path / "gone"), "--answers", str(tmp_path / "answers")])
    assert done.exit_code == 1
    assert [answer.get("code", answer["answer"]) for answer in answers(tmp_path / "answers")] == [
        "begun", "not_readable", "end",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Name a FILE"),
        (["--list", "clips", "a.wav"], "nothing else goes with it"),
        (["--list", "clips", "--wait"], "nothing else goes with it"),
        (["a.wav", "--answers", "answers"], "needs --list"),
    ],
)
def test_a_list_goes_with_nothing_else(words: list[str], message: str) -> None:
    done = CliRunner().invoke(app, ["submit", *words])
    assert done.exit_code == 2
    assert message in done.output
