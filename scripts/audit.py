"""Look the pinned versions up among the known vulnerabilities: `python -m scripts.audit`, with pip-audit installed.

An old version with a known vulnerability is looked up first: a service that does not know it tells nothing of others.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

_PINS = Path(__file__).parents[1] / "constraints.txt"
_KNOWN = "Jinja2==3.1.2\n"
_TIMEOUT_S = 600


def main() -> None:
    """Print what is found, and exit 1 if anything is; skip the audit where the service cannot be asked."""
    with tempfile.TemporaryDirectory() as folder:
        known = Path(folder, "known.txt")
        known.write_text(_KNOWN, encoding="utf-8")
        found, problem = _audit(known)
    if not found:
        print(f"pip-audit is skipped: {problem or f'its service knows nothing of {_KNOWN.strip()}'}")
        return
    found, problem = _audit(_PINS)
    print("\n".join(found) or problem or "pip-audit knows of no vulnerability in what constraints.txt pins")
    sys.exit(1 if found or problem else 0)


def _audit(requirements: Path) -> tuple[list[str], str]:
    """The vulnerabilities of pinned requirements, a line each, and the last line of an error if pip-audit failed."""
    command = ["pip_audit", "--requirement", str(requirements), "--no-deps", "--disable-pip", "--format", "json"]
    ended = subprocess.run(  # noqa: S603 - our own arguments
        [sys.executable, "-m", *command], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    )
    try:
        packages = json.loads(ended.stdout)["dependencies"]
    except ValueError:
        return [], (ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"])[-1]
    return [
        f"{package['name']} {package['version']}: {fault['id']}, fixed in {', '.join(fault['fix_versions']) or 'none'}"
        for package in packages
        for fault in package.get("vulns", ())
    ], ""


if __name__ == "__main__":
    main()
