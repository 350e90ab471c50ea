"""What can be the name of a repository on the Hub."""

import re

# The rule of huggingface_hub.utils.validate_repo_id (2.4), written out so that reading a registry need not import it:
# "name" or "namespace/name", each 1 to 96 of A-Z a-z 0-9 - _ . that neither begins nor ends with - or . ; the whole
# holds no "--" and no "..", and does not end in ".git".
_HUB_ID = re.compile(r"(\b[\w\-.]{1,96}\b/)?\b[\w\-.]{1,96}\b", re.ASCII)


def is_hub_id(text: str) -> bool:
    """Whether the Hub could have a repository of this name.

    Examples:
        >>> is_hub_id("superb/wav2vec2-base-superb-er"), is_hub_id("superb/models/er"), is_hub_id("a--b")
        (True, False, False)
    """
    return _HUB_ID.fullmatch(text) is not None and "--" not in text and ".." not in text and not text.endswith(".git")
