"""What a plant that nobody looks at holds in memory: the modules that it needs, and no others."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.peers import free_port, wait_until
from tests.peers.modbus import libmodbus_server
from tests.system.plant import PlantProcess, write_device, write_plant, write_tags

pytestmark = pytest.mark.system

TELLS_ITS_MODULES = """
import pathlib, signal, sys

def tell(*_):
    draft = pathlib.Path(sys.argv[1])
    draft.write_text(" ".join(sys.modules))
    draft.rename(sys.argv[2])

signal.signal(signal.SIGUSR1, tell)
from lianji.cli.main import app
app(sys.argv[3:])
"""
"""Run as ``lianji``, it writes the names of its modules at SIGUSR1."""

UNNEEDED = {
    "sqlalchemy": "users, alarms that come",
    "alembic": "a state database that is new or older",
    "sqlite3": "a state database that is there",
    "argon2": "passwords",
    "smtplib": "a way out by mail",
    "httpx": "a diagnostics bundle; the command line",
    "rich.console": "the command line",
    "rich.traceback": "nobody",
    "pygments": "nobody",
    "pandas": "nobody",
    "pyarrow._s3fs": "nobody",
    "pyarrow.compute": "who asks for CSV or SQL",
    "pyarrow.csv": "who asks for CSV, imports",
    "pyarrow.dataset": "SQL over a bucket",
    "duckdb": "SQL",
    "onnxruntime": "models that run",
    "lianji.learn.deployment.runtime": "models that run",
    "deltalake": "tests",
    "obstore": "a bucket",
    "openpyxl": "tag tables and imports in Excel",
    "lianji.learn.models.registry": "who asks for models",
    "asyncua": "OPC UA devices",
    "aiomqtt": "MQTT devices",
    "pymodbus": "Modbus RTU devices",
    "google.protobuf": "Sparkplug devices",
}
"""A module, and for whom it is loaded."""


def test_a_plant_that_nobody_looks_at_loads_only_what_it_needs(tmp_path: Path) -> None:
    folder = write_plant(tmp_path / "plant")
    told = tmp_path / "modules"
    program = (sys.executable, "-c", TELLS_ITS_MODULES, f"{told}.draft", str(told))
    plant = PlantProcess(folder, program=program)
    try:
        with libmodbus_server() as port:
            write_device(folder, "plc", "modbus", host="127.0.0.1", port=port, interval_ms=100)
            write_tags(folder, "plc", "p/a,hr:0,uint16")
            write_device(folder, "dead", "modbus", host="127.0.0.1", port=free_port())
            write_tags(folder, "dead", "p/b,hr:0,uint16")
            plant.start()
            wait_until(lambda: plant.status()["history"]["rows"] > 1, what="good and bad rows")
            assert plant.last("p/a") is not None, "as its page asks"
            assert plant.child is not None
            os.kill(plant.child.pid, signal.SIGUSR1)
            wait_until(told.exists, what="the names of the modules")
            plant.stop()
    finally:
        plant.end()
    loaded = set(told.read_text().split())
    assert {"lianji.node.plant", "lianji.web.app", "pyarrow"} <= loaded
    assert sorted(loaded & UNNEEDED.keys()) == []
    assert not (folder / "data" / "state.db").exists()
