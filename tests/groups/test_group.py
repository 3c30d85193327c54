"""The fold of a group: its progress, its order and its state, whatever its jobs do."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from bridge.groups.group import ALMOST, Group, ended_group, ending_of, group_with, groups_of
from bridge.model import Job
from bridge.request import GroupChoice, JobRequest

OUTCOMES = ("done", "failed", "cancelled")


def member(position: int, *, group: str = "g", name: str = "take", **fields: object) -> Job:
    job = Job(
        id=f"{group}{position}",
        name=f"clip {position}",
        request=JobRequest(source="/clip.wav", group=GroupChoice(name=name)),
        submitted_unix=float(position),
        group_id=group,
        position=position,
    )
    return msgspec.structs.replace(job, **fields)


@st.composite
def histories(draw: st.DrawFn) -> list[Job]:
    """The states of a group's jobs in any order of arrival: each job's fraction rises, then it ends."""
    positions = draw(st.lists(st.integers(1, 1000), min_size=1, max_size=8, unique=True))
    left: dict[int, list[Job]] = {}
    for position in positions:
        fractions = sorted(draw(st.lists(st.floats(0, 1), max_size=4)))
        running = [member(position, state="running", fraction=fraction) for fraction in fractions]
        end = member(position, state=draw(st.sampled_from(OUTCOMES)), fraction=fractions[-1] if fractions else 0.0)
        left[position] = [member(position), *running, end]
    changes: list[Job] = []
    while left:
        position = draw(st.sampled_from(sorted(left)))
        changes.append(left[position].pop(0))
        if not left[position]:
            del left[position]
    return changes


@given(histories())
def test_progress_never_falls_and_is_1_only_at_the_end(changes: list[Job]) -> None:
    group: Group | None = None
    for job in changes:
        before = 0.0 if group is None else group.fraction
        group = group_with(group, job)
        assert before <= group.fraction <= ALMOST
    assert group is not None
    over = ended_group(group)
    assert over.fraction == 1.0
    assert over.is_over
    assert group_with(over, changes[-1]).fraction == 1.0


@given(histories())
def test_jobs_are_in_the_order_of_their_positions_whatever_the_order_of_events(changes: list[Job]) -> None:
    group: Group | None = None
    for job in changes:
        group = group_with(group, job)
    assert group is not None
    last = {job.id: job for job in changes}
    assert group.jobs == tuple(sorted(last.values(), key=lambda job: job.position))
    end = ending_of(group)
    assert [end.done, end.failed, end.cancelled] == [
        sum(job.state == outcome for job in last.values()) for outcome in OUTCOMES
    ]
    assert end.clips == group.ended == group.clips


@given(histories())
def test_a_history_gives_the_same_group_as_its_events(changes: list[Job]) -> None:
    group: Group | None = None
    for job in changes:
        group = group_with(group, job)
    assert group is not None
    (found,) = groups_of({job.id: job for job in changes}.values()).values()
    assert found == ended_group(group)


@given(st.integers(0, 20))
def test_clips_that_are_still_to_come_count(to_come: int) -> None:
    first = group_with(None, member(1, state="done"), to_come=to_come)
    assert first.clips == 1 + to_come
    assert first.fraction == min(1 / (1 + to_come), ALMOST)


@given(st.integers(0, 20), histories())
def test_promised_clips_count_until_they_are_there(promised: int, changes: list[Job]) -> None:
    choice = GroupChoice(name="take", clips=promised)
    group: Group | None = None
    for job in changes:
        before = 0.0 if group is None else group.fraction
        group = group_with(group, msgspec.structs.replace(job, request=JobRequest(source="/a", group=choice)))
        assert group.clips == len(group.jobs) + max(0, promised - group.jobs[-1].position)
        assert before <= group.fraction <= ALMOST
    assert group is not None
    assert ended_group(group).clips == len(group.jobs)


def test_a_group_waits_then_runs_then_is_as_its_jobs() -> None:
    group = group_with(group_with(None, member(1)), member(2))
    assert group.state == "queued"
    group = group_with(group, member(1, state="done"))
    assert group.state == "running"
    assert ended_group(group_with(group, member(2, state="done"))).state == "done"
    assert ended_group(group_with(group, member(2, state="cancelled"))).state == "cancelled"
    failed = group_with(group_with(group, member(2, state="cancelled")), member(3, state="failed"))
    assert ended_group(failed).state == "failed"


def test_groups_of_a_history_are_apart_also_with_one_name_and_jobs_without_a_group_are_in_none() -> None:
    alone = msgspec.structs.replace(member(1), group_id="", position=0)
    found = groups_of([member(1, state="done"), alone, member(1, group="h"), member(2, state="failed")])
    assert {group.id: [job.id for job in group.jobs] for group in found.values()} == {"g": ["g1", "g2"], "h": ["h1"]}
    assert [group.is_over for group in found.values()] == [True, False]
