"""The command line in a process that cannot import torch: what only reads results must not need it."""

import subprocess
import sys
from pathlib import Path

_COMMAND = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "transformers", "evaluate"}:
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
from benchmark.cli.main import main
main()
"""


def bench_without_torch(*arguments: object, folder: Path, cache: Path) -> "subprocess.CompletedProcess[str]":
    """Run `bench` in a folder, with nothing of this process's environment."""
    return subprocess.run(
        [sys.executable, "-c", _COMMAND, *map(str, arguments)],
        cwd=folder,
        env={"BENCH_CACHE": str(cache), "PYTHONPATH": str(Path(__file__).parents[2]), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
