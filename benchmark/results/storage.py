"""Where in the cache the results of a candidate lie."""

import hashlib
import re
from pathlib import Path

_HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?")


_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


_LONGEST_NAME = 120


def candidate_folder(cache: Path, id: str, revision: str) -> Path:
    """Name the folder that keeps everything about one revision of a candidate.

    Two local folders of one name stay apart by a hash of their path. No id and no revision leads out of `cache`.

    Args:
        cache: The folder of the store.
        id: The Hub id, or the local path as the registry writes it.
        revision: The commit sha, or the content hash of a local folder.

    Returns:
        `<cache>/<org>__<name>/<revision>`; nothing is created.

    Examples:
        >>> candidate_folder(Path(".bench"), "superb/wav2vec2-base-superb-er", "13f9bc7").as_posix()
        '.bench/superb__wav2vec2-base-superb-er/13f9bc7'
        >>> candidate_folder(Path(".bench"), "../../etc", "../x").as_posix()
        '.bench/etc-74ccf3c5/x-d6b96a97'
    """
    return cache / _candidate_name(id) / _safe(revision)


def _candidate_name(name: str) -> str:
    if _HUB_ID.fullmatch(name) and ".." not in name and len(name) <= _LONGEST_NAME:
        return name.replace("/", "__")
    return _safe(name.rstrip("/\\").replace("\\", "/").rpartition("/")[2], distinguish=name)


def _safe(text: str, *, distinguish: str | None = None) -> str:
    """Keep what is harmless in a file name on every system; what was changed gets a hash, so that no two coincide."""
    harmless = _UNSAFE.sub("-", text).strip(".-")[:_LONGEST_NAME]
    if text and harmless == text and distinguish is None:
        return text
    digest = hashlib.sha256((distinguish or text).encode("utf-8", errors="surrogatepass")).hexdigest()[:8]
    return f"{harmless or 'unnamed'}-{digest}"
