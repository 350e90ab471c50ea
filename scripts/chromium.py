"""The system's Chromium, driven by Playwright: what the browser tests, the screenshot and the measurements share."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> Path | None:
    """Find an installed Chromium or Chrome: `$BENCH_CHROMIUM`, or one on the path; None where there is none."""
    named = os.environ.get("BENCH_CHROMIUM")
    if named:
        return Path(named)
    found = next((path for name in _NAMES if (path := shutil.which(name)) is not None), None)
    return None if found is None else Path(found)


@contextmanager
def open_chromium(executable: Path) -> Iterator[Browser]:
    """Start it without a window; sounds play without anybody having pressed a key."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=["--autoplay-policy=no-user-gesture-required", "--mute-audio"]
        )
        try:
            yield browser
        finally:
            browser.close()
