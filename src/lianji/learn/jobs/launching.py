"""Which launcher a plant's settings ask for."""

from __future__ import annotations

from lianji.learn.jobs.launcher import Launcher
from lianji.learn.jobs.local import LocalLauncher
from lianji.learn.jobs.settings import JobsSettings


def launcher_of(settings: JobsSettings) -> Launcher:
    """Processes of this machine or, where ``ray`` names a cluster, of that. It is not connected
    to before it is needed."""
    if not settings.ray:
        return LocalLauncher()
    from lianji.learn.jobs.on_ray import RayLauncher

    return RayLauncher(settings.ray)
