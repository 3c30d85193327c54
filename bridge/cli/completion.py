"""What a shell offers after Tab, as far as it can be known at once: no model is loaded, no bridge is asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence

from bridge.config import load_settings
from bridge.errors import BridgeError
from bridge.options.table import Option
from bridge.separation.catalogue import known_engines

#: What is typed so far → the words that go on with it.
Complete = Callable[[str], list[str]]


def values_of(option: Option) -> Complete:
    """The values of a job's option; in a list, those that go on after the last comma."""

    def complete(incomplete: str) -> list[str]:
        words = engines() if option.name == "engine" else option.kind.suggestions
        if not option.kind.takes_several:
            return _beginning_with(incomplete, words)
        earlier, comma, last = incomplete.rpartition(",")
        given = earlier.split(",")
        return [earlier + comma + word for word in _beginning_with(last, words) if word not in given]

    return complete


def one_of_these(words: Callable[[], Iterable[str]]) -> Complete:
    """One of some words, which are listed only when they are asked for."""
    return lambda incomplete: _beginning_with(incomplete, words())


def engines() -> Sequence[str]:
    """Every engine's name; none if the settings cannot be read: a shell has no place for that."""
    try:
        return known_engines(load_settings(os.environ, {}).models_dir)
    except BridgeError:
        return ()


def _beginning_with(incomplete: str, words: Iterable[str]) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]
