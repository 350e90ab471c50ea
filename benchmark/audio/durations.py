"""How long a recording is, as far as its header tells."""

from pathlib import Path

import soundfile


def told_seconds(path: Path) -> float | None:
    """Give the length that a file's header tells, without decoding it; good enough for a bar of progress.

    Args:
        path: The file.

    Returns:
        Seconds; None where the file cannot be opened or does not tell.
    """
    if not path.is_file():  # a pipe would be waited for
        return None
    try:
        told = soundfile.info(path)
    except (OSError, RuntimeError, TypeError, ValueError):
        return None
    return told.frames / told.samplerate if 0 < told.frames < 2**40 and told.samplerate > 0 else None
