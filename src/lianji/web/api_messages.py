"""What a hub told its edges, over HTTP: for administrators, who see what became of it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from lianji.base.errors import NotFound, Text
from lianji.web.access.guard import ADMINISTER
from lianji.web.asked import Plant
from lianji.web.faults import errors
from lianji.web.ports_hub import MessagesView

router = APIRouter(prefix="/api/hub/messages", tags=["hub"], dependencies=[ADMINISTER])
COUNT_MAX = 1_000


class MessageRow(BaseModel):
    """One message. Times are microseconds since 1970 UTC."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    edge: str
    kind: str = Field(description="configuration, dictionary, bundle or command")
    name: str = Field(description="Of the bundle, the command, the table, the file.")
    version: int = Field(description="Grows within one edge and kind.")
    sender: str
    state: str = Field(description="queued, sent, applied, refused, expired or superseded")
    created_us: int
    expires_us: int
    sent_us: int | None
    answered_us: int | None
    reason: dict[str, Any] | None = Field(description="Why it was refused: code, cause, remedy.")
    result: dict[str, Any] | None = Field(description="What the edge said when it was applied.")


def _messages(plant: Plant) -> MessagesView:
    if plant.messages is None:
        raise NotFound(
            "hub-none",
            Text("This plant is no hub.", "本工厂不是中心。"),
            Text(
                "Make it one with `lianji hub init DIR`.", "请用 `lianji hub init DIR` 设为中心。"
            ),
        )
    return plant.messages


@router.get("", operation_id="hub_messages", responses=errors(400, 404))
def listed(
    messages: Annotated[MessagesView, Depends(_messages)],
    edge: Annotated[str, Query(max_length=63, description="Of this edge only.")] = "",
    count: Annotated[int, Query(ge=1, le=COUNT_MAX)] = 100,
) -> list[MessageRow]:
    """What was told to edges, the newest first."""
    return [MessageRow.model_validate(one) for one in messages.all(edge or None, count)]
