"""A running plant keeps its dashboards in files that outlive it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.system.plant import plant_process, write_plant


def test_a_dashboard_is_a_file_of_the_plant(tmp_path: Path) -> None:
    with plant_process(write_plant(tmp_path / "plant")) as plant:
        assert not (plant.folder / "dashboards").exists()
        assert plant.write("p/line/machine power=1").status_code == 204
        made = plant.get("/api/dashboards/overview")
        assert made["made"] and made["dashboard"]["tiles"][0]["tags"] == ["p/line/machine/power"]
        content = {"dashboard": {"title_zh": "一号线", "tiles": []}, "version": ""}
        saved = plant.http.put(f"{plant.address}/api/dashboards/overview", json=content)
        assert saved.status_code == 200, saved.text
        plant.kill()
        file = plant.folder / "dashboards" / "overview.json"
        assert json.loads(file.read_text()) == {"title_zh": "一号线"}
        plant.start()
        again = plant.get("/api/dashboards/overview")
        assert (again["made"], again["version"]) == (False, saved.json()["version"])
