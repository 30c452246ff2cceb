"""Users, tokens and the audit log over HTTP, for programs; and who one is oneself."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from lianji.web.access.deeds import kept
from lianji.web.access.guard import ADMINISTER, ANYBODY, Kept, Who
from lianji.web.access.roles import Need, Role, Scope
from lianji.web.faults import errors

router = APIRouter(prefix="/api", tags=["access"])

_FAILURES = errors(400, 401, 403, 404, 507)
_SITES = "Names or patterns such as park1-*: only tags below these sites are seen. None: all."


class Me(BaseModel):
    """Who asks, and what they may do."""

    name: str
    kind: str = Field(description="session, token, key (of this machine) or open (everybody).")
    role: Role | None
    may: list[Need]
    sites: list[list[str]] = Field(
        description="Names or patterns of sites: of each list one must fit. None: all are seen."
    )


class UserShown(BaseModel):
    name: str
    role: Role
    created_us: int = Field(description="Microseconds since 1970 UTC.")
    entered_us: int | None = Field(description="The last log-in.")
    sites: list[str] = Field(description=_SITES)


class NewUser(BaseModel):
    name: str = Field(min_length=1, max_length=64)
    role: Role
    password: str = Field(min_length=1, max_length=1_000)
    sites: list[str] = Field([], max_length=100, description=_SITES)


class UserChange(BaseModel):
    """What is not named stays as it is."""

    role: Role | None = None
    password: str | None = Field(None, max_length=1_000, description="Ends the user's sessions.")
    sites: list[str] | None = Field(None, max_length=100, description=_SITES)


class TokenShown(BaseModel):
    name: str
    scopes: list[Scope]
    created_by: str
    created_us: int
    expires_us: int | None
    used_us: int | None = Field(description="The last use, to the minute.")
    used_from: str
    sites: list[str] = Field(description=_SITES)


class NewToken(BaseModel):
    name: str = Field(min_length=1, max_length=100)
    scopes: list[Scope] = Field(min_length=1)
    days: int | None = Field(365, ge=1, le=3_650, description="null: for ever.")
    sites: list[str] = Field([], max_length=100, description=_SITES)


class TokenMade(BaseModel):
    name: str
    token: str = Field(description="Keep it: it is shown only now.")


class EntryShown(BaseModel):
    sequence: int
    time_us: int
    who: str
    what: str
    detail: str = Field(description="A JSON object as text, as it was hashed.")
    hash: str


class Done(BaseModel):
    name: str


class VerdictShown(BaseModel):
    rows: int
    last_hash: str
    broken_at: int | None = Field(description="The first row that does not fit the chain.")
    why: str = Field(description="gap, changed or cut.")
    archived: int = Field(description="So many older entries were moved to data/audit.")


@router.get("/me", operation_id="me", dependencies=[ANYBODY], responses=errors(400, 401))
async def me(who: Who) -> Me:
    """Who I am and what I may do."""
    return Me(
        name=who.name,
        kind=who.kind,
        role=who.role,
        may=sorted(who.may),
        sites=[list(group) for group in who.sites.groups],
    )


@router.get("/users", operation_id="users", dependencies=[ADMINISTER], responses=_FAILURES)
def users(access: Kept) -> list[UserShown]:
    """All users."""
    return [
        UserShown(
            name=u.name,
            role=u.role,
            created_us=u.created_us,
            entered_us=u.entered_us,
            sites=list(u.sites),
        )
        for u in kept(access.accounts).users.all()
    ]


@router.post("/users", operation_id="add_user", dependencies=[ADMINISTER], responses=_FAILURES)
def add_user(access: Kept, who: Who, user: NewUser) -> Done:
    """Add a user."""
    kept(access.accounts).users.add(user.name, user.role, user.password, who.name, sites=user.sites)
    access.forget()
    return Done(name=user.name)


@router.patch(
    "/users/{name}", operation_id="change_user", dependencies=[ADMINISTER], responses=_FAILURES
)
def change_user(access: Kept, who: Who, name: str, change: UserChange) -> Done:
    """Give a user another role, other sites or a new password."""
    there = kept(access.accounts)
    if change.sites is not None and change.role is Role.ADMINISTRATOR:
        there.users.set_sites(name, change.sites, who.name)
    if change.role is not None:
        there.users.set_role(name, change.role, who.name)
    if change.sites is not None and change.role is not Role.ADMINISTRATOR:
        there.users.set_sites(name, change.sites, who.name)
    if change.password is not None:
        there.users.set_password(name, change.password, who.name)
    access.forget()
    return Done(name=name)


@router.delete(
    "/users/{name}", operation_id="remove_user", dependencies=[ADMINISTER], responses=_FAILURES
)
def remove_user(access: Kept, who: Who, name: str) -> Done:
    """Remove a user and end the sessions. The last administrator stays."""
    kept(access.accounts).users.remove(name, who.name)
    access.forget()
    return Done(name=name)


@router.get("/tokens", operation_id="tokens", dependencies=[ADMINISTER], responses=_FAILURES)
def tokens(access: Kept) -> list[TokenShown]:
    """All API tokens, without what makes them work."""
    return [
        TokenShown(
            name=t.name,
            scopes=list(t.scopes),
            created_by=t.created_by,
            created_us=t.created_us,
            expires_us=t.expires_us,
            used_us=t.used_us,
            used_from=t.used_from,
            sites=list(t.sites),
        )
        for t in kept(access.accounts).tokens.all()
    ]


@router.post("/tokens", operation_id="add_token", dependencies=[ADMINISTER], responses=_FAILURES)
def add_token(access: Kept, who: Who, token: NewToken) -> TokenMade:
    """Make an API token."""
    there = kept(access.accounts)
    secret = there.tokens.add(token.name, token.scopes, token.days, who.name, token.sites)
    return TokenMade(name=token.name, token=secret)


@router.delete(
    "/tokens", operation_id="remove_token", dependencies=[ADMINISTER], responses=_FAILURES
)
def remove_token(access: Kept, who: Who, name: Annotated[str, Query(min_length=1)]) -> Done:
    """Remove an API token; it stops working at once."""
    kept(access.accounts).tokens.remove(name, who.name)
    access.forget()
    return Done(name=name)


@router.get("/audit", operation_id="audit", dependencies=[ADMINISTER], responses=_FAILURES)
def audit(
    access: Kept,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 200,
    before: Annotated[int | None, Query(ge=1, description="Rows older than this one.")] = None,
) -> list[EntryShown]:
    """What was changed, by whom and when; the newest first."""
    return [
        EntryShown(
            sequence=e.sequence,
            time_us=e.time_us,
            who=e.who,
            what=e.what,
            detail=e.detail,
            hash=e.hash,
        )
        for e in kept(access.accounts).audit.newest(limit, before)
    ]


@router.get(
    "/audit/verify", operation_id="verify_audit", dependencies=[ADMINISTER], responses=_FAILURES
)
def verify_audit(access: Kept) -> VerdictShown:
    """Whether the chain of the audit log holds, and where it breaks."""
    verdict = kept(access.accounts).audit.verify()
    return VerdictShown(
        rows=verdict.rows,
        last_hash=verdict.last_hash,
        broken_at=verdict.broken_at,
        why=verdict.why,
        archived=verdict.archived,
    )
