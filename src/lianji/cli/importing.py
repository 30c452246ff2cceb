"""import FILE: measurements of the past from CSV, Excel and Parquet."""
from __future__ import annotations
import typer
def register(app: typer.Typer) -> None: ...
