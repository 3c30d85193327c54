import logging

import pytest

from bridge.bus import EventBus
from bridge.events import Event, Noticed

NEWS = Noticed(level="info", message="news")


def test_every_listener_receives_every_event_until_it_unsubscribes() -> None:
    bus, received = EventBus(), list[tuple[str, Event]]()
    unsubscribe = bus.subscribe(lambda event: received.append(("a", event)))
    bus.subscribe(lambda event: received.append(("b", event)))
    bus.publish(NEWS)
    unsubscribe()
    unsubscribe()
    bus.publish(NEWS)
    assert received == [("a", NEWS), ("b", NEWS), ("b", NEWS)]


def test_later_listeners_receive_retained_events() -> None:
    bus, received = EventBus(), list[tuple[str, Event]]()
    bus.subscribe(lambda event: received.append(("early", event)))
    bus.publish_retained(NEWS)
    bus.publish(Noticed(level="info", message="not for later"))
    received.pop()
    bus.subscribe(lambda event: received.append(("late", event)))
    assert received == [("early", NEWS), ("late", NEWS)]


def test_a_failing_listener_does_not_affect_the_others(caplog: pytest.LogCaptureFixture) -> None:
    bus, received = EventBus(), list[Event]()

    def fail(event: Event) -> None:
        raise RuntimeError(event)

    bus.subscribe(fail)
    bus.subscribe(received.append)
    with caplog.at_level(logging.ERROR):
        bus.publish(NEWS)
    assert received == [NEWS]
    assert "a listener failed on Noticed" in caplog.text
