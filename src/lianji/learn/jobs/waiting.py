"""Why a queued job does not run yet, in words."""

from __future__ import annotations

from collections.abc import Sequence

from lianji.base.errors import Text
from lianji.learn.jobs.job import QUEUED, RUNNING, JobRow
from lianji.learn.jobs.room import Need, Room
from lianji.learn.jobs.settings import JobsSettings


def with_waiting(settings: JobsSettings, jobs: Sequence[JobRow]) -> list[JobRow]:
    """The same jobs, of which those that are queued say why. ``jobs`` has all that run."""
    room = Room(settings.machine, settings.named)
    for job in jobs:
        if job.state == RUNNING:
            room.take(job.need)
    return [_told(job, room) if job.state == QUEUED else job for job in jobs]


def _told(job: JobRow, room: Room) -> JobRow:
    why = _why(job.need, room)
    return job.model_copy(update={"waits_en": why.en, "waits_zh": why.zh})


def _why(need: Need, room: Room) -> Text:
    if not room.could_ever(need):
        return Text(
            "It asks for more than there is, or than its tenant may.",
            "所需资源超过现有资源或租户配额。",
        )
    if room.lacks_quota(need):
        return Text("Its tenant has all that it may.", "所属租户已用满配额。")
    if room.lacks_device(need):
        return Text(f"All devices {need.device} are taken.", f"设备 {need.device} 均已占用。")
    if room.lacks_room(need):
        return Text("It waits for room.", "等待空闲资源。")
    return Text("It is about to start.", "即将启动。")
