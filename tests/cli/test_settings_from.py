from __future__ import annotations

import pytest

from bridge.cli.shared import settings_from


@pytest.mark.parametrize("name", ["port", "http_port"])
def test_a_zero_is_an_option_like_any_other(name: str) -> None:
    assert getattr(settings_from(**{name: 0}), name) == 0


def test_what_is_not_given_leaves_the_default() -> None:
    assert settings_from(port=None, no_http=False, allow=[]) == settings_from()
