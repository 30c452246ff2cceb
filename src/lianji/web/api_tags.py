"""Which tags there are."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from lianji.dictionary.tag import Tag
from lianji.web.access.guard import READ
from lianji.web.asked import Plant
from lianji.web.faults import errors

router = APIRouter(prefix="/api", tags=["history"], dependencies=[READ])


class FoundTags(BaseModel):
    total: int = Field(description="How many match, of which at most ``limit`` are listed.")
    tags: list[Tag]


@router.get("/tags", operation_id="find_tags", responses=errors(400))
def find_tags(
    plant: Plant,
    search: Annotated[str, Query(description="Words that path, device or description hold.")] = "",
    path: Annotated[list[str], Query(description="Exactly these, instead of a search.")] = [],  # noqa: B006 - FastAPI copies it
    limit: Annotated[int, Query(ge=1, le=10_000)] = 200,
) -> FoundTags:
    """Find tags by words or by path."""
    if path:
        wanted = set(path)
        found = [tag for tag in plant.tags() if tag.path in wanted]
    else:
        words = search.casefold().split()
        found = [tag for tag in plant.tags() if not words or _holds(tag, words)]
    return FoundTags(total=len(found), tags=found[:limit])


def _holds(tag: Tag, words: list[str]) -> bool:
    text = f"{tag.path} {tag.device} {tag.description_en} {tag.description_zh}".casefold()
    return all(word in text for word in words)
