"""What every test shares: the plant's folder is a fresh one, and no real clock zone matters."""

from __future__ import annotations

import os

from hypothesis import settings

# Where nobody watches, property tests try the same examples every time: what they find is found by
# people at work, and a landing does not fail for something that it did not bring.
settings.register_profile("same", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("same")

pytest_plugins = ["tests.databases"]
