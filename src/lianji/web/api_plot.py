"""What a chart draws: few samples instead of all, as a table or as the chart page reads them."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Response

from lianji.base.clock import now_us
from lianji.web.access.guard import READ
from lianji.web.answers import A_TABLE, ROWS_MAX, answered, lacking
from lianji.web.asked import Between, Plant, Tags, at_most
from lianji.web.formats import Format, choose
from lianji.web.plot_wire import MEDIA_TYPE, encode_plot
from lianji.web.ports import PlantView

router = APIRouter(prefix="/api", tags=["history"], dependencies=[READ])

PIXELS_MAX = 8_000
PLOT_TAGS_MAX = 64
STILL_COMING_US = 5_000_000
"""Samples of so short a while ago may not have arrived: the edge there is not drawn."""


@router.get("/plot", operation_id="plot_samples", responses=A_TABLE, response_class=Response)
def plot(
    plant: Plant,
    tags: Tags,
    between: Between,
    pixels: Annotated[int, Query(ge=1, le=PIXELS_MAX)] = 1_000,
    method: Annotated[
        Literal["minmax", "lttb"],
        Query(description="minmax: four samples a pixel, no peak lost; lttb: about one a pixel."),
    ] = "minmax",
    format: Annotated[
        Literal["json", "csv", "arrow", "binary"] | None,
        Query(description="binary: blocks of little-endian float64, as the chart page reads them."),
    ] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response:
    """What a chart of so many pixels needs: few samples, with the peaks and gaps of all."""
    at_most(PLOT_TAGS_MAX, tags)
    if format == "binary":
        content = _drawn(plant, tags, between, pixels, method)
        return Response(content, headers=lacking(plant.history), media_type=MEDIA_TYPE)
    at_most(PLOT_TAGS_MAX, list(plant.history.paths(tags)))
    points = plant.history.plot(tags, *between, pixels, method)
    how = choose(Format(format) if format else None, accept)
    return answered(plant.history, points, how, ROWS_MAX)


def _drawn(
    plant: PlantView,
    tags: list[str],
    between: tuple[int, int],
    pixels: int,
    method: Literal["minmax", "lttb"],
) -> bytes:
    """For the chart page, where a tag that has not spoken yet is no error but an empty line."""
    heard = [tag for tag in tags if plant.heard(tag)]
    history, (start_us, end_us) = plant.history, between
    at_end = history.at(heard, end_us) if end_us < now_us() - STILL_COMING_US else None
    points = history.plot(heard, *between, pixels, method)
    at_start = history.at(heard, start_us)
    return encode_plot(tags, start_us, end_us, points, at_start, at_end)
