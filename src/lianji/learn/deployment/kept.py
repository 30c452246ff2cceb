"""What a running version remembers over a restart: bias, interval, residuals, what awaits a label.

Two files beside its bundle, each replaced as a whole: a small one after every label, the larger of
what was given out once a minute. They are safe against being of different moments: a label that was
taken is not taken again, and one whose output was not kept yet is counted as unmatched.
"""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import structlog

from lianji.base.durable import write_atomically
from lianji.learn.deployment.running import RunningModel

STATE, PENDING = "state.json", "pending.npz"
_log = structlog.get_logger(__name__)


def save(model: RunningModel, folder: Path, now_us: int) -> None:
    """What was learnt. Durable when this returns. Raises OSError."""
    state = {
        "saved_us": now_us,
        "trackers": {
            output.name: tracker.state()
            for output, tracker in zip(model.card.outputs, model.trackers, strict=True)
        },
        "watch": model.watch.state(),
    }
    write_atomically(folder / STATE, json.dumps(state).encode())
    model.changed = False


def save_pending(model: RunningModel, folder: Path) -> None:
    """What was given out and awaits its label. Raises OSError."""
    rows = {str(n): one.pending() for n, one in enumerate(model.trackers)}
    found = {name: array for name, array in rows.items() if array is not None}
    if not found:
        return
    file = BytesIO()
    np.savez(file, **found)  # type: ignore[arg-type]
    write_atomically(folder / PENDING, file.getvalue())


def resume(model: RunningModel, folder: Path, since_us: int) -> None:
    """Go on where it was left. ``since_us``: when it came to its stage; a version that did not run
    meanwhile is watched afresh. What cannot be read is begun anew."""
    try:
        state = json.loads((folder / STATE).read_bytes())
        for output, tracker in zip(model.card.outputs, model.trackers, strict=True):
            tracker.resume(state["trackers"][output.name])
        if state["saved_us"] >= since_us:
            model.watch.resume(state["watch"])
    except FileNotFoundError:
        return
    except (ValueError, KeyError, TypeError, OSError) as error:
        _log.warning("model-state-unreadable", model=model.name, error=str(error))
        return
    try:
        with np.load(folder / PENDING, allow_pickle=False) as kept:
            for number, tracker in enumerate(model.trackers):
                if str(number) in kept:
                    tracker.resume_pending(kept[str(number)])
    except FileNotFoundError:
        pass
    except (ValueError, KeyError, OSError) as error:
        _log.warning("model-pending-unreadable", model=model.name, error=str(error))
