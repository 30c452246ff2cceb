"""How failures leave by HTTP: code, cause and remedy in both languages, with the right status.

Also what OpenAPI says of them, so that every operation lists the errors that it may give.
"""

from __future__ import annotations

import traceback
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from lianji.base.errors import Busy, InputError, LianjiError, NotFound, Text
from lianji.web.status import Fault

RETRY_AFTER_S = 1
"""Pressure on the spool is over as soon as the disk has caught up."""

_MEANING = {
    400: "The input is wrong: mend it and try again.",
    403: "A page of another origin may not write here.",
    404: "No such tag, device or page.",
    409: "Somebody else changed it meanwhile: read it again.",
    413: "The body or the answer is too large.",
    500: "A fault of ours; the log has the details.",
    503: "Refused under pressure: nothing was taken; try again after Retry-After seconds.",
    507: "The disk is full, damaged or not ours.",
}

_log = structlog.get_logger(__name__)


class TooLarge(InputError):
    http_status = 413


class Forbidden(InputError):
    http_status = 403


class Conflict(InputError):
    http_status = 409


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of an operation that may fail with these statuses."""
    listed: dict[int | str, dict[str, Any]] = {
        status: {"model": Fault, "description": _MEANING[status]} for status in statuses
    }
    return listed | {"default": {"model": Fault, "description": "Any other failure, alike."}}


def fault_response(error: LianjiError, **more: object) -> JSONResponse:
    """The error as JSON. ``message`` is for InfluxDB clients, which show nothing else."""
    headers = {"Retry-After": str(RETRY_AFTER_S)} if isinstance(error, Busy) else None
    content = {**error.as_json(), "message": str(error), **more}
    return JSONResponse(content, error.http_status, headers)


def install(app: FastAPI) -> None:
    """Give every failure of ``app`` the one shape."""

    @app.exception_handler(LianjiError)
    async def ours(request: Request, error: LianjiError) -> JSONResponse:
        return fault_response(error)

    @app.exception_handler(RequestValidationError)
    async def wrong_parameter(request: Request, error: RequestValidationError) -> JSONResponse:
        return fault_response(_of_validation(error))

    @app.exception_handler(HTTPException)
    async def of_the_framework(request: Request, error: HTTPException) -> JSONResponse:
        response = fault_response(_of_http(request, error))
        response.status_code = error.status_code
        return response

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> JSONResponse:
        told = "".join(traceback.format_exception(error))
        _log.error("request-failed", path=request.url.path, traceback=told)
        return fault_response(_of_bug(error))


def _of_validation(error: RequestValidationError) -> InputError:
    places = [
        f"{'.'.join(str(part) for part in entry['loc'])}: {entry['msg']}"
        for entry in error.errors()[:5]
    ]
    listed = "; ".join(places)
    return InputError(
        "request-invalid",
        Text(f"The request is wrong at {listed}.", f"请求有误：{listed}。"),
        Text("See /docs for what each parameter takes.", "各参数的写法见 /docs。"),
    )


def _of_http(request: Request, error: HTTPException) -> LianjiError:
    path = request.url.path
    if error.status_code == 404:
        return NotFound(
            "page-not-found",
            Text(f"There is nothing at {path}.", f"{path} 处没有内容。"),
            Text("Begin at / or see /docs.", "请从 / 开始，或查看 /docs。"),
        )
    return InputError(
        "request-refused",
        Text(
            f"{path} refused the request: {error.detail}.", f"{path} 拒绝了请求：{error.detail}。"
        ),
        Text("See /docs for what may be asked.", "可用的请求见 /docs。"),
    )


def _of_bug(error: Exception) -> LianjiError:
    kind = type(error).__name__
    return LianjiError(
        "internal-error",
        Text(f"The request failed inside Lianji ({kind}).", f"请求在联机内部失败（{kind}）。"),
        Text("See the log, and report it with its lines.", "请查看日志，并附上日志内容反馈。"),
    )
