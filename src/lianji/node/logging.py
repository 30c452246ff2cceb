"""Messages of the running process: one line each on standard error, plain enough for journald."""

from __future__ import annotations

import logging
import sys
from collections import deque
from typing import Any

import structlog

KEPT_LINES = 500
_recent: deque[str] = deque(maxlen=KEPT_LINES)


def recent_lines() -> list[str]:
    """The last lines of this process's own messages, oldest first."""
    return list(_recent)


def _remember(_: Any, __: str, line: Any) -> Any:
    _recent.append(str(line))
    return line


def configure_logging() -> None:
    """Structured lines for our own messages; of the libraries only warnings."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
            _remember,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
