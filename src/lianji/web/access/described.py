"""What each operation needs, in the OpenAPI document: for people, for generated clients, and for
the test that tries every operation as every role."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI

from lianji.web.access.gate import Gated
from lianji.web.access.roles import Need
from lianji.web.faults import errors

NEEDS = "x-lianji-needs"
_TOKEN = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API token of the page Users and tokens, or of `lianji token add`.",
}


def describe_needs(app: FastAPI, routes: Sequence[Gated]) -> None:
    """Let ``app.openapi()`` say ``x-lianji-needs``, the security scheme, 401 and 403."""
    plain = app.openapi
    refused = {str(status): errors(status)[status]["description"] for status in (401, 403)}

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is not None:
            return app.openapi_schema
        document = plain()
        document.setdefault("components", {})["securitySchemes"] = {"token": _TOKEN}
        for gated in routes:
            for operation in _operations(document, gated):
                needs = [need.value for need in gated.needs if need is not Need.ANYBODY]
                operation[NEEDS] = needs
                operation["security"] = [{"token": []}] if needs else []
                for status, meaning in refused.items() if needs else ():
                    operation["responses"].setdefault(status, _refusal(meaning))
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's documentation has it


def _operations(document: dict[str, Any], gated: Gated) -> list[dict[str, Any]]:
    at: dict[str, Any] = document["paths"].get(getattr(gated.route, "path_format", ""), {})
    methods = getattr(gated.route, "methods", None) or ()
    return [at[method.lower()] for method in methods if method.lower() in at]


def _refusal(meaning: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Fault"}
    return {"description": meaning, "content": {"application/json": {"schema": schema}}}
