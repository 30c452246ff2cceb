"""The web of one plant: pages, HTTP API, push and live values in one FastAPI app."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI

from lianji.web import (
    api_alarm_tables,
    api_alarms,
    api_annotations,
    api_configuration,
    api_dashboards,
    api_datasets,
    api_demo,
    api_deploying,
    api_experiments,
    api_history,
    api_hub,
    api_jobs,
    api_messages,
    api_models,
    api_plot,
    api_push,
    api_reconcile,
    api_status,
    api_tag_tables,
    api_tags,
    api_templates,
    faults,
    live,
    pages,
    pages_hub,
)
from lianji.web.access import api as api_access
from lianji.web.access import pages as access_pages
from lianji.web.access.access import Access
from lianji.web.access.described import describe_needs
from lianji.web.access.gate import Gate, gated_routes
from lianji.web.access.once import Once
from lianji.web.access.rendering import refusal
from lianji.web.access.throttle import Throttle
from lianji.web.ports import PlantView
from lianji.web.security import Security
from lianji.web.sites.plant import SitePlants
from lianji.web.static_files import CompressedFiles
from lianji.web.tag_work import TagWork

STATIC = Path(__file__).parent / "static"

_DESCRIPTION = """\
Ask the plant's history, follow live values, push samples.

Times are ISO 8601 with a zone, microseconds since 1970, `now`, or relative such as `-1h`.
Every error is JSON with `code`, `cause` and `remedy`, in English and Chinese.
"""
_TAGS = [
    {"name": "history", "description": "Samples of the past, as JSON, CSV or Arrow."},
    {"name": "live", "description": "Changes as server-sent events."},
    {"name": "alarms", "description": "What is wrong now, what was, and who has seen it."},
    {"name": "dashboards", "description": "Tiles of a page, kept as files."},
    {"name": "datasets", "description": "Parts of the history, frozen for models."},
    {"name": "jobs", "description": "Trainings and other functions that the plant runs."},
    {"name": "models", "description": "Models: cards, versions, signed bundles."},
    {"name": "experiments", "description": "What trainings tried, and what came of it."},
    {"name": "push", "description": "Durable in: InfluxDB line protocol and Arrow IPC."},
    {"name": "configuration", "description": "What the plant is told: machines, tags, versions."},
    {"name": "hub", "description": "The plants that send to this one, where it is a hub."},
    {"name": "status", "description": "How the plant is."},
    {"name": "hub", "description": "A hub and its edges."},
    {"name": "access", "description": "Users, tokens and the audit log."},
]


def create_app(plant: PlantView, access: Access) -> FastAPI:
    """The app of a running plant. It owns nothing of the plant and ends nothing of it.

    ``access`` knows who asks. Raises RuntimeError if a route does not say what it needs.
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
    app.state.plants = SitePlants(plant)
    app.state.access = access
    app.state.throttle = Throttle()
    app.state.once = Once()
    app.state.streams = live.Streams()
    app.state.pushes = api_push.Pushes()
    app.state.tag_work = TagWork()
    faults.install(app)
    for room in (
        api_tags, api_tag_tables, api_history, api_plot, api_annotations, api_alarms,
        api_configuration, api_dashboards, api_demo, api_messages, live, api_push, api_status,
        pages, api_access, access_pages, api_alarm_tables, api_templates, api_hub, pages_hub,
    ):  # fmt: skip
        app.include_router(room.router)
    app.include_router(api_reconcile.router)
    app.include_router(api_reconcile.page)
    app.include_router(api_datasets.router)
    app.include_router(api_datasets.page)
    app.include_router(api_jobs.router)
    app.include_router(api_jobs.page)
    app.include_router(api_deploying.router)  # before models, for its addresses begin alike
    app.include_router(api_deploying.page)
    app.include_router(api_models.router)
    app.include_router(api_models.page)
    app.include_router(api_experiments.router)
    app.include_router(api_experiments.page)
    app.mount("/static", CompressedFiles(STATIC), name="static")
    routes = gated_routes(app, anybody=["/static"], read=["/openapi.json"])
    describe_needs(app, routes)
    app.add_middleware(Gate, access=access, routes=routes, refusal=refusal)
    app.add_middleware(Security)
    return app
