"""What the other rooms of the web import: what a route needs, and who asks.

    router = APIRouter(prefix="/api/things", dependencies=[READ])

    @router.post("", dependencies=[CONFIGURE])
    def change(who: Who, access: Kept, ...):
        access.record(who.name, "thing-changed", {"thing": ...})

A route that names no need is refused to everybody, and an app with such a route is not made.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant

from lianji.base.errors import Text
from lianji.web.access.access import Access
from lianji.web.access.roles import Identity, Need
from lianji.web.faults import Forbidden, NotKnown


class Needs:
    """The dependency that a route has for what it needs.

    The gate has asked the same before the body was read; this holds whatever the gate thought.
    """

    def __init__(self, need: Need) -> None:
        self.need = need

    async def __call__(self, request: Request) -> None:
        check(getattr(request.state, "who", None), self.need)


def check(who: Identity | None, need: Need) -> None:
    """Raises NotKnown for nobody, Forbidden for somebody who may not."""
    if need is Need.ANYBODY:
        return
    if who is None:
        raise NotKnown(
            "log-in-needed",
            Text("This needs a log-in or an API token.", "此操作需要登录或 API 令牌。"),
            Text(
                "Log in at /login, or send the header Authorization: Bearer TOKEN.",
                "请在 /login 登录，或发送请求头 Authorization: Bearer 令牌。",
            ),
        )
    if need not in who.may:
        raise Forbidden(
            "not-allowed",
            Text(
                f"{who.name} may not do this: it needs the right to {need}.",
                f"{who.name} 无权执行此操作：需要 {need} 权限。",
            ),
            Text(
                "Ask an administrator for another role, or take a token with that scope.",
                "请联系管理员调整角色，或使用具有该权限的令牌。",
            ),
        )


ANYBODY = Depends(Needs(Need.ANYBODY))
MEMBER = Depends(Needs(Need.MEMBER))
READ = Depends(Needs(Need.READ))
OPERATE = Depends(Needs(Need.OPERATE))
PUSH = Depends(Needs(Need.PUSH))
CONFIGURE = Depends(Needs(Need.CONFIGURE))
ADMINISTER = Depends(Needs(Need.ADMINISTER))


def needs_of(dependant: Dependant | None) -> list[Need]:
    """What a route needs, all of it; empty where it does not say."""
    if dependant is None:
        return []
    found = [dependant.call.need] if isinstance(dependant.call, Needs) else []
    for inner in dependant.dependencies:
        found += needs_of(inner)
    return found


def _who(request: Request) -> Identity:
    who: Identity | None = request.state.who
    check(who, Need.READ if who is None else Need.ANYBODY)
    assert who is not None
    return who


def _access(request: Request) -> Access:
    access: Access = request.app.state.access
    return access


Who = Annotated[Identity, Depends(_who)]
"""Who asks; refused where nobody is known."""
Kept = Annotated[Access, Depends(_access)]
