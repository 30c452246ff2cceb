"""The hub's endpoints for who wants in: fetch the root, join with a token, renew a certificate.

GET  /relay/v1/ca      the root certificate (PEM), for who compares it with a fingerprint
POST /relay/v1/join    {token, csr, name}; no client certificate is needed
POST /relay/v1/renew   {csr}; the client's certificate, which may be expired

Both posts answer {edge, hub, certificate, ca, public_key, sites, addresses}. Whoever serves these
routes puts the client's certificate (DER) into ``scope["extensions"]["tls"]["client_der"]``.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lianji.base.clock import now_us
from lianji.base.errors import InputError, LianjiError, Text
from lianji.relay.trust.authority import Authority
from lianji.relay.trust.edges import Admission, Edges
from lianji.relay.trust.peer import peer_of
from lianji.relay.trust.refusals import TooMuch
from lianji.relay.trust.throttle import Throttle, network_of

BODY_BYTES_MAX = 32_768
BODY_S_MAX = 10.0
TOKEN_MAX = 200
_log = structlog.get_logger(__name__)
_Endpoint = Callable[[Request], Awaitable[Response]]


def routes(
    authority: Authority,
    edges: Edges,
    addresses: Sequence[str] = (),
    clock: Callable[[], int] = now_us,
) -> list[Route]:
    """``addresses`` are told to edges as the hub's, in order of preference, as they
    are when they are told."""
    door = Door(authority, edges, addresses, clock)
    return [
        Route("/relay/v1/ca", door.ca, methods=["GET"]),
        Route("/relay/v1/join", answering(door.join), methods=["POST"]),
        Route("/relay/v1/renew", answering(door.renew), methods=["POST"]),
    ]


def client_der(request: Request) -> bytes | None:
    """The certificate with which the client of this connection came."""
    tls = request.scope.get("extensions", {}).get("tls", {})
    found = tls.get("client_der")
    return found if isinstance(found, bytes) else None


def answering(endpoint: _Endpoint) -> _Endpoint:
    """The endpoint, with its failures as JSON of code, cause and remedy."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except LianjiError as error:
            who = request.client.host if request.client else ""
            _log.warning("edge-refused", code=error.code, path=request.url.path, client=who)
            wait_s = getattr(error, "retry_after_s", 0)
            headers = {"Connection": "close"}  # what is left of its body is not read
            headers |= {"Retry-After": str(wait_s)} if wait_s else {}
            return JSONResponse(error.as_json(), error.http_status, headers)

    return answer


class Door:
    """The endpoints."""

    def __init__(
        self,
        authority: Authority,
        edges: Edges,
        addresses: Sequence[str],
        clock: Callable[[], int],
    ) -> None:
        self._authority, self._edges = authority, edges
        self._addresses, self._clock = addresses, clock
        self._joins = Throttle()
        self._renewals = Throttle(at_once=10, refill_s=60)

    async def ca(self, request: Request) -> Response:
        return Response(self._authority.pem, media_type="application/x-pem-file")

    async def join(self, request: Request) -> Response:
        client = request.client.host if request.client else ""
        network = network_of(client)
        self._joins.take(network)
        body = await _body(request)
        token, name = _text(body, "token", TOKEN_MAX), _text(body, "name", TOKEN_MAX)
        csr = _text(body, "csr", BODY_BYTES_MAX).encode("ascii", "replace")
        admitted = await run_in_threadpool(self._edges.admit, token, csr, name, client)
        self._joins.give_back(network)
        return self._let_in(admitted)

    async def renew(self, request: Request) -> Response:
        certificate = client_der(request)
        peer = await run_in_threadpool(
            peer_of, certificate, self._clock(), self._edges, renewing=True
        )
        self._renewals.take(peer.edge)
        csr = _text(await _body(request), "csr", BODY_BYTES_MAX).encode("ascii", "replace")
        return self._let_in(await run_in_threadpool(self._edges.renew, peer, csr))

    def _let_in(self, admitted: Admission) -> Response:
        return JSONResponse(
            {
                "edge": admitted.edge,
                "hub": self._authority.name,
                "certificate": admitted.pem.decode(),
                "ca": self._authority.pem.decode(),
                "public_key": self._authority.public_key_pem.decode(),
                "sites": list(admitted.sites),
                "addresses": list(self._addresses),
            },
            headers={"Cache-Control": "no-store"},
        )


async def _body(request: Request) -> dict[str, object]:
    """A small JSON object. Raises TooMuch, InputError."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > BODY_BYTES_MAX:
        raise _too_much()
    content = bytearray()
    try:
        async with asyncio.timeout(BODY_S_MAX):
            async for chunk in request.stream():
                content += chunk
                if len(content) > BODY_BYTES_MAX:
                    raise _too_much()
        found = json.loads(content)
    except (TimeoutError, ClientDisconnect, ValueError, RecursionError) as error:
        raise _wrong("it is no whole JSON", "不是完整的 JSON") from error
    if not isinstance(found, dict):
        raise _wrong("it is no JSON object", "不是 JSON 对象")
    return found


def _text(body: dict[str, object], field: str, length_max: int) -> str:
    found = body.get(field)
    if not isinstance(found, str) or not 1 <= len(found) <= length_max:
        raise _wrong(
            f"{field} must be text of 1 to {length_max} characters",
            f"{field} 须为 1 到 {length_max} 个字符的文本",
        )
    return found


def _wrong(en: str, zh: str) -> InputError:
    return InputError(
        "enrolment-invalid",
        Text(f"The request is wrong: {en}.", f"请求有误：{zh}。"),
        Text("Join with `lianji join` of the same version.", "请使用相同版本的 `lianji join`。"),
    )


def _too_much() -> TooMuch:
    return TooMuch(
        "enrolment-too-large",
        Text("The request is larger than 32 KiB.", "请求超过 32 KiB。"),
        Text("Join with `lianji join` of the same version.", "请使用相同版本的 `lianji join`。"),
    )
