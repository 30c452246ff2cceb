"""Durable in over HTTP: InfluxDB line protocol (``/api/v2/write``, ``/write``) and Arrow IPC.

204 means that every sample is on disk. 400 with ``rejected`` means that the lines named were
refused and all others are on disk. 503 means that nothing was taken.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from lianji.base.clock import now_us
from lianji.base.errors import InputError, Text
from lianji.connect.push.parsed import BODY_BYTES_MAX, Parsed, Precision
from lianji.web.access.guard import PUSH
from lianji.web.asked import Plant
from lianji.web.body import InFlight, inflate, read_body
from lianji.web.faults import errors, fault_response
from lianji.web.ports import PlantView
from lianji.web.status import Words

if TYPE_CHECKING:
    from lianji.connect.push.arrow_ipc import ArrowParser
    from lianji.connect.push.line_protocol import LineParser

router = APIRouter(tags=["push"], dependencies=[PUSH])

LARGE_BYTES = 256 << 10
"""Larger bodies are parsed in a thread, so that the devices need not wait for them."""

Origin = Annotated[
    str,
    Query(
        pattern=r"^[^\x00-\x1f]{0,200}$",
        description="Who sends this, kept with each correction: import/energy.csv, telegraf.",
    ),
]
Asked = Literal["ns", "n", "us", "u", "ms", "s"]
_PRECISIONS: dict[str, Precision] = {
    "ns": "ns", "n": "ns", "us": "us", "u": "us", "ms": "ms", "s": "s"
}  # fmt: skip
_DONE = {204: {"description": "Every sample is on disk."}, **errors(400, 403, 413, 503, 507)}
_LINES = {
    "requestBody": {
        "required": True,
        "content": {"text/plain": {"example": "plant/line1,machine=m17 temperature=82.5"}},
    }
}
_ARROW = {
    "requestBody": {
        "required": True,
        "content": {
            "application/vnd.apache.arrow.stream": {
                "schema": {"type": "string", "format": "binary"}
            }
        },
    }
}


class Pushes:
    """What the pushes of one app share: the memory of names, and the limit on bytes held.

    The parsers come with the first push: a plant that nobody pushes to need not carry them.
    """

    def __init__(self) -> None:
        self.in_flight = InFlight()

    @cached_property
    def lines(self) -> LineParser:
        from lianji.connect.push.line_protocol import LineParser

        return LineParser()

    @cached_property
    def arrow(self) -> ArrowParser:
        from lianji.connect.push.arrow_ipc import ArrowParser

        return ArrowParser()

    def parse_lines(self, body: bytes, encoding: str, precision: Precision) -> Parsed:
        plain = inflate(body, encoding, BODY_BYTES_MAX)
        return self.lines.parse(plain, precision, now_us())

    def parse_arrow(self, body: bytes, encoding: str) -> Parsed:
        return self.arrow.parse(inflate(body, encoding, BODY_BYTES_MAX))


@router.post(
    "/write", operation_id="write_v1", status_code=204, responses=_DONE, openapi_extra=_LINES
)
@router.post(
    "/api/v2/write", operation_id="write_v2", status_code=204, responses=_DONE, openapi_extra=_LINES
)
async def write(
    request: Request,
    plant: Plant,
    precision: Annotated[Asked, Query(description="Unit of the lines' times.")] = "ns",
    origin: Origin = "",
) -> Response:
    """Samples as InfluxDB line protocol, plain or gzip. ``db``, ``org`` and ``bucket`` are
    accepted and mean nothing here."""
    pushes: Pushes = request.app.state.pushes
    unit = _PRECISIONS[precision]
    with pushes.in_flight.one() as share:
        body = await read_body(request, share)
        encoding = request.headers.get("content-encoding", "")
        if len(body) > LARGE_BYTES or encoding:
            parsed = await run_in_threadpool(pushes.parse_lines, body, encoding, unit)
        else:
            parsed = pushes.parse_lines(body, encoding, unit)
        return await _store(plant, parsed, origin)


@router.post(
    "/api/push/arrow",
    operation_id="push_arrow",
    status_code=204,
    responses=_DONE,
    openapi_extra=_ARROW,
)
async def push_arrow(request: Request, plant: Plant, origin: Origin = "") -> Response:
    """Samples as an Arrow IPC stream, plain or gzip."""
    pushes: Pushes = request.app.state.pushes
    with pushes.in_flight.one() as share:
        body = await read_body(request, share)
        encoding = request.headers.get("content-encoding", "")
        if len(body) > LARGE_BYTES:
            parsed = await run_in_threadpool(pushes.parse_arrow, body, encoding)
        else:
            parsed = pushes.parse_arrow(body, encoding)
        return await _store(plant, parsed, origin)


async def _store(plant: PlantView, parsed: Parsed, origin: str) -> Response:
    if len(parsed):
        await plant.append(
            parsed.paths,
            parsed.path_index,
            parsed.times_us,
            parsed.values,
            parsed.quality,
            parsed.texts,
            f"push/{origin}" if origin else "push",
        )
    return _refused(parsed) if parsed.rejected_count else Response(status_code=204)


def _refused(parsed: Parsed) -> Response:
    first = parsed.rejected[0]
    some, taken = parsed.rejected_count, len(parsed)
    error = InputError(
        "lines-rejected",
        Text(
            f"{some} lines were refused and {taken} samples stored. Line {first.line}: "
            f"{first.reason.en}",
            f"拒绝了 {some} 行，已存储 {taken} 个样本。第 {first.line} 行：{first.reason.zh}",
        ),
        Text("Mend the lines named and send only them again.", "请改正所列各行，只需重发这些行。"),
    )
    lines = [
        {"line": one.line, "text": one.text, "reason": Words.of(one.reason).model_dump()}
        for one in parsed.rejected
    ]
    return fault_response(error, stored=taken, rejected=some, lines=lines)
