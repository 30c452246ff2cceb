"""The web of one plant: pages, HTTP API, push and live values in one FastAPI app."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI

from lianji.web import (
    api_annotations,
    api_dashboards,
    api_history,
    api_plot,
    api_push,
    api_status,
    api_tags,
    faults,
    live,
    pages,
)
from lianji.web.ports import PlantView
from lianji.web.security import Security
from lianji.web.static_files import CompressedFiles

STATIC = Path(__file__).parent / "static"

_DESCRIPTION = """\
Ask the plant's history, follow live values, push samples.

Times are ISO 8601 with a zone, microseconds since 1970, `now`, or relative such as `-1h`.
Every error is JSON with `code`, `cause` and `remedy`, in English and Chinese.
"""
_TAGS = [
    {"name": "history", "description": "Samples of the past, as JSON, CSV or Arrow."},
    {"name": "live", "description": "Changes as server-sent events."},
    {"name": "dashboards", "description": "Tiles of a page, kept as files."},
    {"name": "push", "description": "Durable in: InfluxDB line protocol and Arrow IPC."},
    {"name": "status", "description": "How the plant is."},
]


def create_app(plant: PlantView) -> FastAPI:
    """The app of a running plant. It owns nothing of the plant and ends nothing of it.

    ``app.state.streams.end()`` ends the live streams; ``WebServer`` does so by itself.
    """
    app = FastAPI(
        title="Lianji",
        version=version("lianji"),
        description=_DESCRIPTION,
        openapi_tags=_TAGS,
        docs_url=None,
        redoc_url=None,
    )
    app.state.plant = plant
    app.state.streams = live.Streams()
    app.state.pushes = api_push.Pushes()
    faults.install(app)
    app.add_middleware(Security)
    for room in (
        api_tags, api_history, api_plot, api_annotations, api_dashboards, live, api_push,
        api_status, pages,
    ):  # fmt: skip
        app.include_router(room.router)
    app.mount("/static", CompressedFiles(STATIC), name="static")
    return app
