"""Jobs as people have them: the command, the plant as a process, kill -9, and the page."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from lianji.learn.jobs import processes
from tests.learn.jobs import functions
from tests.peers import wait_until
from tests.system.plant import PlantProcess, lianji_command, plant_process, write_plant
from tests.web.chromium import chromium, looking_at, strict

pytestmark = pytest.mark.system
STEPS = 3000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = write_plant(tmp_path / "p", jobs="cpus = 1\nmemory_mb = 2000\ngrace_s = 20\nnice = 0")
    (folder / "training").mkdir()
    shutil.copy(functions.__file__, folder / "training" / "tried.py")
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def job(folder: Path, *arguments: object, code: int = 0, **environment: str) -> tuple[str, str]:
    """What ``lianji job`` says on standard output and on standard error."""
    done = lianji_command("job", *arguments, "--plant", folder, **environment)
    assert done.returncode == code, done.stderr.decode()
    return done.stdout.decode(), done.stderr.decode()


def submitted(folder: Path, function: str, *more: object) -> str:
    return job(folder, "submit", f"tried:{function}", "--memory", 300, *more)[0].strip()


def wait_job(
    plant: PlantProcess, id: str, condition: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    seen: list[dict[str, Any]] = [{}]

    def holds() -> bool:
        seen.append(plant.get(f"/api/jobs/{id}"))
        return condition(seen[-1])

    wait_until(holds, 30, id)
    return seen[-1]


def test_the_command_beside_a_plant_that_runs_and_without_one(folder: Path) -> None:
    id, said = job(folder, "submit", "tried:quick", "--arg", "who=anna", "--memory", 300,
                   "--name", "greeting")  # fmt: skip
    id = id.strip()
    assert "The plant does not run" in said
    [listed] = json.loads(job(folder, "list", "--json")[0])["jobs"]
    assert (listed["id"], listed["state"], listed["arguments"]) == (id, "queued", {"who": "anna"})
    assert "即将启动" in job(folder, "show", id, LIANJI_LANG="zh")[0]
    with plant_process(folder) as plant:
        wait_job(plant, id, lambda row: row["state"] == "done")
        assert "hello anna" in job(folder, "logs", "-f", id)[0]
        shown = job(folder, "show", id)[0]
        assert "greeting" in shown and "It is done." in shown
        assert re.search(rf"{id}\s+greeting\s+完成", job(folder, "list", LIANJI_LANG="zh")[0])
        _, said = job(folder, "submit", "tried:fails", "--arg", "what=luck", "--memory", 300,
                      "--wait", code=1)  # fmt: skip
        assert "no such thing as luck" in said
        endless = submitted(folder, "endless")
        wait_job(plant, endless, lambda row: row["done"] > 0)
        assert "asked to end" in job(folder, "stop", endless)[1]
        row = wait_job(plant, endless, lambda row: row["state"] == "stopped")
        assert "at the command line stopped it" in row["reason_en"]
        _, said = job(folder, "stop", endless, code=1)
        assert "has ended already" in said and "job-ended" in said
    audit = lianji_command("audit", "--plant", folder).stdout.decode()
    assert "job-submitted" in audit and "job-stopped" in audit


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["submit", "nothing"], "There is no training specification 'nothing'"),
        (["submit", "tried:quick", "--arg", "x"], "is no key=value"),
        (["logs", "../.."], "There is no job"),
    ],
)
def test_what_is_wrong_is_told_with_a_remedy(folder: Path, arguments: list[str], said: str) -> None:
    assert said in job(folder, *arguments, code=1)[1]


def test_a_training_outlives_the_end_and_the_kill_of_the_plant(
    folder: Path, tmp_path: Path
) -> None:
    """Its process saves and ends when the plant is gone, and goes on when it is back."""
    (folder / "further").write_text("700")
    id = submitted(folder, "train", "--arg", f"steps={STEPS}")
    reached = folder / "data" / "jobs" / id / "reached"
    with plant_process(folder) as plant:
        for further, end in (("900", plant.kill), (str(STEPS), plant.stop)):
            wait_until(reached.exists, 30)
            reached.unlink()
            (folder / "further").write_text(further)
            pid = pid_of(plant)
            end()
            wait_until(lambda: processes.started(pid) == "", 30)  # noqa: B023 - called here
            plant.start()
        row = wait_job(plant, id, lambda row: row["state"] not in ("queued", "running"))
        assert row["state"] == "done", row
        assert (row["attempts"], row["preemptions"], row["done"]) == (3, 2, STEPS)
    digest = (folder / "data" / "jobs" / id / "digest").read_text()
    assert digest == functions.uninterrupted(tmp_path / "alone", STEPS)


def pid_of(plant: PlantProcess) -> int:
    """The one job's process."""
    assert plant.child is not None
    for task in Path(f"/proc/{plant.child.pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            if b"jobs.child" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
    raise AssertionError("no job runs")


def test_the_page_shows_progress_log_and_stop(browser: Browser, folder: Path) -> None:
    (folder / "training" / "load.toml").write_text("")
    (folder / "further").write_text("200")
    with plant_process(folder) as plant:
        id = submitted(folder, "train", "--arg", "steps=100000")
        with looking_at(browser, plant.address) as context:
            page = context.new_page()
            page.set_default_timeout(30_000)
            wrong = strict(page)
            page.on("dialog", lambda dialog: dialog.accept())
            page.goto("/jobs")
            row = page.locator(f'tr[data-id="{id}"]')
            expect(row.locator(".far")).to_contain_text("/ 100,000", timeout=30_000)
            expect(row.locator(".metrics")).to_contain_text("loss", timeout=30_000)
            row.get_by_role("button", name="train").click()
            expect(page.locator("#log-text")).to_contain_text("from step 0", timeout=30_000)
            page.get_by_label("Training specification").select_option("load")
            page.get_by_role("button", name="Submit").click()
            expect(page.locator("#jobs")).to_contain_text("It waits for room.", timeout=30_000)
            expect(page.locator("#tenants")).to_contain_text("plant", timeout=30_000)
            page.screenshot(path=folder.parent / "jobs.png", full_page=True)
            row.get_by_role("button", name="Stop").click()
            expect(row).to_contain_text("stopped", timeout=30_000)
            page.goto("/jobs?lang=zh")
            expect(page.locator(f'tr[data-id="{id}"]')).to_contain_text("已停止", timeout=30_000)
            assert wrong == []
