"""The queue's rows, in both databases."""

from __future__ import annotations

import pytest

from lianji.base.errors import Busy, InputError, NotFound
from lianji.base.state import State
from lianji.learn.jobs import store as module
from lianji.learn.jobs.job import JobRow, Wanted
from lianji.learn.jobs.settings import JobsSettings
from lianji.learn.jobs.shares import tenant_rows
from lianji.learn.jobs.store import JobStore, Used
from tests.databases import postgres_server, state, state_url

__all__ = ["postgres_server", "state", "state_url"]
HOUR_US = 3_600_000_000


def submitted(store: JobStore, tenant: str = "plant", **arguments: object) -> JobRow:
    return store.submit(Wanted(function="a.b:c", arguments=arguments, tenant=tenant), "ann")


def test_what_was_submitted_is_found_again(state: State) -> None:
    store = JobStore(state)
    made = submitted(store, words="长", number=1.5)
    assert store.found(made.id) == made
    assert (made.state, made.name, made.owner) == ("queued", "c", "ann")
    assert made.arguments == {"words": "长", "number": 1.5}
    with pytest.raises(NotFound):
        store.found("nothing")


def test_a_job_is_claimed_once_and_not_after_it_was_stopped(state: State) -> None:
    store = JobStore(state)
    first, second = submitted(store), submitted(store)
    assert store.claim(first.id, attempts=1)
    assert not store.claim(first.id, attempts=2)
    assert store.stop(second.id, "bob").state == "stopped"
    assert not store.claim(second.id, attempts=1)
    assert store.stop(first.id, "bob").state == "running", "its runner ends it"
    assert [row.stop_by for row in store.open()] == ["bob"]
    with pytest.raises(InputError, match="ended already"):
        store.stop(second.id, "bob")


def test_those_that_run_are_listed_first_and_old_ones_go(state: State) -> None:
    store = JobStore(state)
    ended, runs, waits = (submitted(store) for _ in range(3))
    store.claim(runs.id)
    store.change(ended.id, state="done", ended_us=5)
    assert [row.id for row in store.listed()] == [runs.id, waits.id, ended.id]
    assert store.forget(5) == []
    assert store.forget(6) == [ended.id]
    assert [row.id for row in store.listed()] == [runs.id, waits.id]


def test_a_queue_that_is_full_refuses(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUEUED_MAX", 2)
    store = JobStore(state)
    submitted(store), submitted(store)
    with pytest.raises(Busy, match="2 jobs wait already"):
        submitted(store)


def test_what_was_used_counts_half_after_its_time(state: State) -> None:
    store = JobStore(state)
    store.change_all({}, {"a": Used(80, 1, 2, 3, HOUR_US), "b": Used(10, 0, 0, 0, 3 * HOUR_US)})
    store.change_all({}, {"a": Used(80, 5, 2, 3, HOUR_US)})
    used = store.used()
    assert used["a"].cpu_s == 5
    assert used["a"].at(3 * HOUR_US, 3600) == 20
    settings = JobsSettings(half_life_d=1 / 24, tenants=[{"name": "a", "weight": 2}])  # type: ignore[list-item]
    submitted(store, tenant="c")
    rows = tenant_rows(settings, store.open(), used, 3 * HOUR_US)
    shares = [(row.name, row.weight, round(row.share, 6), row.queued) for row in rows]
    assert shares == [("a", 2, round(2 / 3, 6), 0), ("b", 1, round(1 / 3, 6), 0), ("c", 1, 0, 1)]
