"""Workers that come to grief over checkpoints whose folders, or configurations, are called so."""

import os
import signal
import time
from pathlib import Path
from typing import Any

from benchmark.verification.actors import InspectionActor, LoadActor


class FragileActor(LoadActor):
    """Loads, unless the folder's name tells it to fail."""

    def load(
        self,
        folder: str,
        options: dict[str, Any],
        engine: dict[str, Any] | None = None,
        streams: dict[str, int] | None = None,
        converted: dict[str, str | None] | None = None,
    ) -> dict[str, Any]:
        """Load a checkpoint, or fail."""
        _come_to_grief(Path(folder).name)
        return super().load(folder, options, engine, streams, converted)


class FragileInspector(InspectionActor):
    """Builds, unless the configuration tells it to fail."""

    def build(self, config: dict[str, Any], names: list[str]) -> dict[str, Any]:
        """Build a skeleton, or fail."""
        _come_to_grief(config.get("name"))
        return super().build(config, names)


def _come_to_grief(how: str | None) -> None:
    match how:
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "hang":
            time.sleep(60)
        case "memory":
            # Really taken, a piece at a time: what stops it is the limit of the worker.
            hoard = []
            while True:
                hoard.append(b"x" * 50_000_000)
