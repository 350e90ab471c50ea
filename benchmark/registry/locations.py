"""Paths and Hub ids in a registry; relative paths are relative to the registry's folder."""

import re
from pathlib import Path

_SCHEME = re.compile(r"([a-z][a-z0-9-]+):(.*)", re.DOTALL)
# Two letters at least before the colon: one is a Windows drive.
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_PATH_BEGINNINGS = (".", "/", "~")
# The rule of huggingface_hub.utils.validate_repo_id (2.4), written out so that reading a registry need not import it:
# "name" or "namespace/name", each 1 to 96 of A-Z a-z 0-9 - _ . that neither begins nor ends with - or . ; the whole
# holds no "--" and no "..", and does not end in ".git".
_HUB_ID = re.compile(r"(\b[\w\-.]{1,96}\b/)?\b[\w\-.]{1,96}\b", re.ASCII)
# What people paste: the address of a repository's page, an id with a slash too many, an id with a revision behind it.
_PASTED = re.compile(
    r"(hf://|(https?://)?(www\.)?(huggingface\.co|hf\.co)/)?(?P<id>[^/@?#]+/[^/@?#]+)"
    r"(/?([?#].*)?|@(?P<at>[^/]+)|/(tree|blob|resolve|commit)/(?P<revision>[^/?#]+).*)"
)


def is_address(text: str) -> bool:
    """Whether a text is the address of a file or folder elsewhere, not a path.

    Examples:
        >>> is_address("s3://bucket/speech"), is_address("C://speech"), is_address("hf:org/speech")
        (True, False, False)
    """
    return _ADDRESS.match(text) is not None


def is_hub_id(text: str) -> bool:
    """Whether the Hub could have a repository of this name.

    Examples:
        >>> is_hub_id("superb/wav2vec2-base-superb-er"), is_hub_id("superb/models/er"), is_hub_id("a--b")
        (True, False, False)
    """
    return _HUB_ID.fullmatch(text) is not None and "--" not in text and ".." not in text and not text.endswith(".git")


def what_to_write(text: str) -> str:
    """The advice about a text that is no id.

    Examples:
        >>> what_to_write("https://huggingface.co/superb/hubert-large-superb-er")
        'write superb/hubert-large-superb-er'
        >>> what_to_write("org/model@v1.0")
        "write org/model, and 'revision: v1.0' beside it in a registry"
        >>> what_to_write("a/b/c")
        'write organisation/name, or a path that begins with ./'
    """
    pasted = _PASTED.fullmatch(text)
    if pasted is None or not is_hub_id(pasted["id"]) or pasted["id"].startswith(("datasets/", "spaces/")):
        return "write organisation/name, or a path that begins with ./"
    revision = pasted["at"] or pasted["revision"]
    beside = f", and 'revision: {revision}' beside it in a registry" if revision and revision != "main" else ""
    return f"write {pasted['id']}{beside}"


def looks_like_path(candidate_id: str) -> bool:
    """Whether an id can only be a path, such as `./model` or `~/model`."""
    return candidate_id.startswith(_PATH_BEGINNINGS) or Path(candidate_id).is_absolute()


def local_path(candidate_id: str, folder: Path) -> Path | None:
    """The absolute path of an id that can only be a path or names an existing folder; None for a Hub id.

    Raises:
        ValueError: The path begins with the home of an unknown user.
    """
    if is_hub_id(candidate_id) and not is_folder(folder / candidate_id):
        return None  # to resolve a path takes four times as long, and a registry may list thousands
    path = absolute(candidate_id, folder)
    return path if looks_like_path(candidate_id) or is_folder(path) else None


def shadowed_id(candidate_id: str, folder: Path) -> Path | None:
    """The existing folder of an id that could also be a repository on the Hub; None if there is no such doubt."""
    if looks_like_path(candidate_id) or candidate_id.count("/") != 1:
        return None
    return local_path(candidate_id, folder)


def absolute(path: str, folder: Path) -> Path:
    """An absolute path without `..`, from a path relative to `folder`; `~` is the home folder.

    Raises:
        ValueError: The path begins with the home of an unknown user, or cannot be a path.
    """
    try:
        return (folder / Path(path).expanduser()).resolve()
    except (RuntimeError, OSError) as error:
        raise ValueError(f"{path!r} is not a path that can be followed: {error}") from error


def resolved_source(source: str, folder: Path) -> str:
    """The source of a corpus, a SPEC such as `folder:DIR` or a bare path, with an absolute path in it.

    A dataset of the Hub, a database of audb, an address and the demo stay as they are.

    Raises:
        ValueError: The path cannot be followed.

    Examples:
        >>> resolved_source("table:../calls.csv", Path("/data/registry"))
        'table:/data/calls.csv'
        >>> resolved_source("hf:AbstractTTS/RAVDESS", Path("/data"))
        'hf:AbstractTTS/RAVDESS'
        >>> resolved_source("hf:./speech:test", Path("/data"))
        'hf:/data/speech:test'
        >>> resolved_source("table:s3://bucket/calls.csv", Path("/data"))
        'table:s3://bucket/calls.csv'
    """
    if is_address(source):
        return source
    match = _SCHEME.fullmatch(source)
    if match is None:
        return str(absolute(source, folder))
    scheme, path = match.groups()
    if scheme in ("demo", "audb") or is_address(path) or (scheme == "hf" and not looks_like_path(path)):
        return source
    return f"{scheme}:{absolute(path, folder)}"


def is_folder(path: Path) -> bool:
    """Whether a folder exists, for any path that a person may write."""
    try:
        return path.is_dir()
    except OSError:  # such as a name that is too long for the file system
        return False
