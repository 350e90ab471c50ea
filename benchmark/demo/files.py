"""Where the demo's files lie in the installed package."""

from pathlib import Path

_FOLDER = Path(__file__).parent


def registry_path() -> Path:
    """Return the demo's registry file.

    Examples:
        >>> registry_path().name
        'registry.yaml'
    """
    return _FOLDER / "registry.yaml"


def checkpoints_path() -> Path:
    """Return the folder that holds the demo's checkpoints, one folder each.

    Examples:
        >>> checkpoints_path().name
        'checkpoints'
    """
    return _FOLDER / "checkpoints"
