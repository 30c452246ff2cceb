"""Which tags there are: found by words, or walked level by level."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from lianji.dictionary.tag import Tag
from lianji.web.access.guard import READ
from lianji.web.asked import Plant
from lianji.web.faults import errors
from lianji.web.tag_work import Work

router = APIRouter(prefix="/api", tags=["history"], dependencies=[READ])

Under = Annotated[str, Query(max_length=256, description="Only below this path.")]


class FoundTags(BaseModel):
    total: int = Field(description="How many match, of which at most ``limit`` are listed.")
    tags: list[Tag]


class TagLevel(BaseModel):
    """One entry of a level of the tree."""

    name: str = Field(description="The part of the path.")
    path: str = Field(description="The path down to here.")
    tags: int = Field(description="How many tags it holds, itself included.")
    is_tag: bool = Field(description="Whether a tag bears this path.")
    inner: bool = Field(description="Whether there are levels below.")


class TagLevels(BaseModel):
    levels: list[TagLevel]


@router.get("/tags", operation_id="find_tags", responses=errors(400))
def find_tags(
    plant: Plant,
    work: Work,
    search: Annotated[
        str, Query(max_length=400, description="Words that path, device, address or text hold.")
    ] = "",
    path: Annotated[list[str], Query(description="Exactly these, instead of a search.")] = [],  # noqa: B006 - FastAPI copies it
    under: Under = "",
    offset: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 200,
) -> FoundTags:
    """Find tags by words or by path, in the order of their paths."""
    index = work.index(plant)
    if path:
        found = [tag for one in dict.fromkeys(path) if (tag := index.find(one)) is not None]
        return FoundTags(total=len(found), tags=found[offset : offset + limit])
    places = index.search(search, under)
    listed = [index.tags[place] for place in places[offset : offset + limit]]
    return FoundTags(total=len(places), tags=listed)


@router.get("/tags/levels", operation_id="tag_levels", responses=errors(400))
def tag_levels(plant: Plant, work: Work, under: Under = "") -> TagLevels:
    """The next level of the tree of tags below a path."""
    levels = work.index(plant).levels(under.strip("/"))
    return TagLevels(
        levels=[
            TagLevel(name=x.name, path=x.path, tags=x.tags, is_tag=x.is_tag, inner=x.inner)
            for x in levels
        ]
    )
