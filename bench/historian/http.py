"""Questions over HTTP on a connection that stays open, answered as JSON or CSV."""

from __future__ import annotations

import http.client
import io
import json
from typing import Any
from urllib.parse import urlencode

import pyarrow as pa
import pyarrow.csv as pc

ANSWER_S_MAX = 120.0


class Asker:
    """One client of one server on loopback."""

    def __init__(self, port: int) -> None:
        self._link = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S_MAX)

    def text(
        self, path: str, asked: dict[str, str], headers: dict[str, str] | None = None
    ) -> bytes:
        """The body of a good answer. Raises RuntimeError for any other."""
        self._link.request("GET", f"{path}?{urlencode(asked)}", headers=headers or {})
        answer = self._link.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"GET {path}: {answer.status} {body[:300].decode(errors='replace')}")
        return body

    def json(self, path: str, asked: dict[str, str]) -> Any:
        return json.loads(self.text(path, asked))

    def csv(
        self,
        path: str,
        asked: dict[str, str],
        columns: list[str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> pa.Table:
        """``columns`` names those of a CSV without a head."""
        body = self.text(path, asked, headers)
        options = pc.ReadOptions(column_names=columns)
        return pc.read_csv(io.BytesIO(body), read_options=options)

    def close(self) -> None:
        self._link.close()
