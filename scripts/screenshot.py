"""Renew the picture of the page in the README, from a run of the demo.

    python -m scripts.screenshot

Runs the demo without a network into a folder that is thrown away, opens its page in the system's Chromium, and writes
`docs/images/leaderboard.png`.
"""

import sys
import tempfile
from pathlib import Path

from benchmark.api.run import run
from benchmark.settings import Settings
from scripts.chromium import find_chromium, open_chromium

TARGET = Path(__file__).parents[1] / "docs" / "images" / "leaderboard.png"
_WIDTH, _HEIGHT = 1280, 1700
_SECONDS_TO_DRAW = 1.5


def main() -> int:
    """Make the run and the picture."""
    chromium = find_chromium()
    if chromium is None:
        print("There is no Chromium here: install one, or set BENCH_CHROMIUM.")
        return 1
    with tempfile.TemporaryDirectory() as folder, open_chromium(chromium) as browser:
        place = Path(folder)
        run("demo", corpora=("demo",), output=place / "reports", settings=Settings(cache=place / "cache"))
        page = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT})
        page.goto((place / "reports" / "leaderboard.html").as_uri())
        page.wait_for_timeout(1000 * _SECONDS_TO_DRAW)
        TARGET.parent.mkdir(exist_ok=True)
        page.screenshot(path=TARGET)
    print(f"{TARGET}: {TARGET.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
