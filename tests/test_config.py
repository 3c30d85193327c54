import sys
from pathlib import Path

import pytest

from bridge.config import load_settings, setting_names
from bridge.errors import BadArguments
from bridge.options.table import OPTIONS

STEM_WORDS = OPTIONS["stems"].words


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text('port = 1001\nengine = "draft"\ndepth = "24"\nroots = ["/music"]\n', encoding="utf-8")
    return path


def test_defaults_need_nothing() -> None:
    settings = load_settings({})
    assert (settings.host, settings.port, settings.defaults.engine.name) == ("127.0.0.1", 9720, "auto")


def test_command_line_beats_environment_beats_file_beats_default(file: Path) -> None:
    settings = load_settings({"SAB_PORT": "1002", "SAB_DEPTH": "16"}, {"port": 1003, "engine": None}, file)
    jobs = (settings.defaults.audio.depth, settings.defaults.engine.name, settings.defaults.audio.name)
    assert (settings.port, *jobs) == (1003, "16", "draft", "wav")


def test_the_environment_names_the_file(file: Path) -> None:
    assert load_settings({"SAB_CONFIG": str(file)}).roots == (Path("/music"),)


def test_text_is_converted_to_the_settings_type() -> None:
    settings = load_settings({"SAB_NO_MIDI": "true", "SAB_MAX_MINUTES": "2.5", "SAB_STATE_DIR": "~/x"})
    assert settings.no_midi is True
    assert settings.max_minutes == 2.5
    assert settings.state_dir == Path.home() / "x"


@pytest.mark.parametrize(
    "environment",
    [
        {"SAB_PORT": "x"},
        {"SAB_PORT": "70000"},
        {"SAB_HTTP_PORT": "-1"},
        {"SAB_HTTP_PORT": "70000"},
        {"SAB_MAX_MINUTES": "0"},
        {"SAB_QUEUE_LIMIT": "0"},
        {"SAB_CACHE_MAX_GB": "-1"},
        {"SAB_CACHE_MAX_GB": "inf"},
        {"SAB_HTTP_UPLOAD_MB": "-1"},
        {"SAB_HTTP_UPLOAD_MB": "nan"},
        {"SAB_HTTP_ORIGINS": "*"},
        {"SAB_HTTP_ORIGINS": "null"},
        {"SAB_HTTP_ORIGINS": "http://localhost:3000/"},
        {"SAB_HTTP_ORIGINS": "http://localhost:3000,http://a b"},
        {"SAB_CONFIG": "/no"},
    ],
    ids=str,
)
def test_a_bad_value_is_a_bad_arguments_error(environment: dict[str, str]) -> None:
    with pytest.raises(BadArguments):
        load_settings(environment)


@pytest.mark.parametrize(
    "text", ["port = ", "colour = 3", 'port = "many"', "\xff", f"port = 1{'0' * 5000}", f"x = {'[' * 3000}"]
)
def test_a_bad_file_is_a_bad_arguments_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(BadArguments):
        load_settings({}, file=path)


@pytest.mark.parametrize(
    ("options", "environment", "text", "message"),
    [
        ({}, {}, 'port = "x"', "Expected `int`, got `str` for `port`, in {file}."),
        ({}, {}, "nonsense = 1", "There is no setting `nonsense`, in {file}."),
        ({}, {"SAB_PORT": "abc"}, "", "Expected `int`, got `str` for `port`, in SAB_PORT."),
        ({}, {"SAB_PORT": "70000"}, "port = 1", "port must be between 0 and 65535, not 70000, in SAB_PORT."),
        ({}, {}, 'depth = "8"', "depth must be one of source, 16, 24, 32f, not '8', in {file}."),
        (
            {},
            {"SAB_STEMS": "kazoo"},
            "",
            f"stems must be {STEM_WORDS}; there is no stem 'kazoo', in SAB_STEMS.",
        ),
        ({"http_port": -1}, {}, "", "http_port must be between 0 and 65535, not -1, in the option --http-port."),
    ],
)
def test_the_message_about_a_bad_value_names_its_source(
    tmp_path: Path, options: dict[str, object], environment: dict[str, str], text: str, message: str
) -> None:
    path = tmp_path / "c.toml"
    path.write_text(text)
    with pytest.raises(BadArguments) as refused:
        load_settings(environment, options, file=path)
    assert refused.value.message == message.format(file=path)


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_bytes(b"\xef\xbb\xbfport = 9753\n")
    assert load_settings({}, file=path).port == 9753


def test_every_setting_is_documented() -> None:
    page = (Path(__file__).parent.parent / "docs" / "settings.md").read_text(encoding="utf-8")
    for name in setting_names():
        assert f"`{name}`" in page, f"docs/settings.md does not mention {name}"


def test_pages_are_named_by_their_origins() -> None:
    named = "http://localhost:3000, https://studio.example,app://live,http://[::1]:80"
    assert load_settings({"SAB_HTTP_ORIGINS": named}).http_origins == tuple(part.strip() for part in named.split(","))


@pytest.mark.parametrize(
    ("text", "folders"),
    [
        ('["/one", "/two, three"]', ("/one", "/two, three")),
        (f"/one{';' if sys.platform == 'win32' else ':'}/two", ("/one", "/two")),
        ("[old] takes", ("[old] takes",)),
        ("[1, 2]", ("[1, 2]",)),
    ],
)
def test_folders_may_be_written_as_in_the_settings_file(text: str, folders: tuple[str, ...]) -> None:
    assert load_settings({"SAB_ROOTS": text}).roots == tuple(map(Path, folders))


def test_so_may_other_lists() -> None:
    assert load_settings({"SAB_ALLOW": '["192.168.1.0/24", "10.0.0.7"]'}).allow == ("192.168.1.0/24", "10.0.0.7")
