import logging

import pytest

from bridge.bus import EventBus
from bridge.events import Event, Noticed

NEWS = Noticed(level="info", message="news")


def test_every_listener_hears_every_event_until_it_leaves() -> None:
    bus, heard = EventBus(), list[tuple[str, Event]]()
    leave = bus.subscribe(lambda event: heard.append(("a", event)))
    bus.subscribe(lambda event: heard.append(("b", event)))
    bus.publish(NEWS)
    leave()
    leave()
    bus.publish(NEWS)
    assert heard == [("a", NEWS), ("b", NEWS), ("b", NEWS)]


def test_what_is_kept_is_heard_by_whoever_comes_later() -> None:
    bus, heard = EventBus(), list[tuple[str, Event]]()
    bus.subscribe(lambda event: heard.append(("early", event)))
    bus.keep(NEWS)
    bus.publish(Noticed(level="info", message="not for later"))
    heard.pop()
    bus.subscribe(lambda event: heard.append(("late", event)))
    assert heard == [("early", NEWS), ("late", NEWS)]


def test_a_listener_that_fails_costs_the_others_nothing(caplog: pytest.LogCaptureFixture) -> None:
    bus, heard = EventBus(), list[Event]()

    def fail(event: Event) -> None:
        raise RuntimeError(event)

    bus.subscribe(fail)
    bus.subscribe(heard.append)
    with caplog.at_level(logging.ERROR):
        bus.publish(NEWS)
    assert heard == [NEWS]
    assert "a listener failed on Noticed" in caplog.text
