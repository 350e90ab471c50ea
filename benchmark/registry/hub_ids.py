"""What can be the name of a repository on the Hub."""

import re

# The rule of huggingface_hub.utils.validate_repo_id (2.4), written out so that reading a registry need not import it:
# "name" or "namespace/name", each 1 to 96 of A-Z a-z 0-9 - _ . that neither begins nor ends with - or . ; the whole
# holds no "--" and no "..", and does not end in ".git".
_HUB_ID = re.compile(r"(\b[\w\-.]{1,96}\b/)?\b[\w\-.]{1,96}\b", re.ASCII)
# What people paste: the address of a repository's page, an id with a slash too many, an id with a revision behind it.
_PASTED = re.compile(
    r"(hf://|(https?://)?(www\.)?(huggingface\.co|hf\.co)/)?(?P<id>[^/@?#]+/[^/@?#]+)"
    r"(/?([?#].*)?|@(?P<at>[^/]+)|/(tree|blob|resolve|commit)/(?P<revision>[^/?#]+).*)"
)
_NO_MODELS = ("datasets/", "spaces/")


def is_hub_id(text: str) -> bool:
    """Whether the Hub could have a repository of this name.

    Examples:
        >>> is_hub_id("superb/wav2vec2-base-superb-er"), is_hub_id("superb/models/er"), is_hub_id("a--b")
        (True, False, False)
    """
    return _HUB_ID.fullmatch(text) is not None and "--" not in text and ".." not in text and not text.endswith(".git")


def what_to_write(text: str) -> str:
    """Tell what to write in place of something that is no id.

    Examples:
        >>> what_to_write("https://huggingface.co/superb/hubert-large-superb-er")
        'write superb/hubert-large-superb-er'
        >>> what_to_write("org/model@v1.0")
        "write org/model, and 'revision: v1.0' beside it in a registry"
        >>> what_to_write("a/b/c")
        'write organisation/name, or a path that begins with ./'
    """
    pasted = _PASTED.fullmatch(text)
    if pasted is None or not is_hub_id(pasted["id"]) or pasted["id"].startswith(_NO_MODELS):
        return "write organisation/name, or a path that begins with ./"
    revision = pasted["at"] or pasted["revision"]
    beside = f", and 'revision: {revision}' beside it in a registry" if revision and revision != "main" else ""
    return f"write {pasted['id']}{beside}"
