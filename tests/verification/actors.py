"""A worker that comes to grief over checkpoints whose folders are called so."""

import os
import signal
import time
from pathlib import Path
from typing import Any

from benchmark.verification.load_actor import LoadActor


class FragileActor(LoadActor):
    """Loads, unless the folder's name tells it to fail."""

    def load(self, folder: str, options: dict[str, Any]) -> dict[str, Any]:
        """Load a checkpoint, or fail."""
        match Path(folder).name:
            case "crash":
                os.kill(os.getpid(), signal.SIGKILL)
            case "hang":
                time.sleep(60)
            case "memory":
                raise MemoryError("unable to allocate 3.6 TiB")
        return super().load(folder, options)
