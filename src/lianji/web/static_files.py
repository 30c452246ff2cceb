"""Scripts and style sheets, compressed once and kept: a page costs a third of its bytes.

Only static files: a live stream that a compressor holds back is not live.
"""

from __future__ import annotations

import gzip
from functools import lru_cache
from os import stat_result
from pathlib import Path

from fastapi.concurrency import run_in_threadpool
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.types import Scope

COMPRESSED = {".js", ".css", ".svg"}
BYTES_MIN = 512
FILES_MAX = 256


class CompressedFiles(StaticFiles):
    """The files of a folder, as gzip for whoever takes it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder)

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if Path(path).suffix not in COMPRESSED:
            return response
        response.headers["Vary"] = "Accept-Encoding"
        asked = Headers(scope=scope)
        takes_gzip = "gzip" in asked.get("accept-encoding", "") and "range" not in asked
        if not takes_gzip or not isinstance(response, FileResponse):
            return response
        found = response.stat_result or stat_result([0] * 10)
        if response.status_code != 200 or found.st_size < BYTES_MIN or scope["method"] != "GET":
            return response
        content = await run_in_threadpool(_gzipped, str(response.path), found.st_mtime_ns)
        headers = {
            name: value
            for name, value in response.headers.items()
            if name in ("etag", "last-modified", "vary", "content-type")
        }
        return Response(content, headers={**headers, "Content-Encoding": "gzip"})


@lru_cache(FILES_MAX)
def _gzipped(path: str, _changed_ns: int) -> bytes:
    return gzip.compress(Path(path).read_bytes(), 9, mtime=0)
