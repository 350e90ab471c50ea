"""Searching the Hub for repositories that it files under audio classification."""

from dataclasses import dataclass
from typing import Literal, get_args

from huggingface_hub import HfApi

SortBy = Literal["downloads", "likes", "trending_score", "last_modified", "created_at"]
SORTS: tuple[SortBy, ...] = get_args(SortBy)

_TASK = "audio-classification"


@dataclass(frozen=True, kw_only=True)
class Search:
    """What to search for.

    Attributes:
        text: Words in the names of repositories.
        limit: How many repositories at most.
        languages: Only those that declare one of these languages; all where empty.
        sort: What comes first.
    """

    text: str
    limit: int
    languages: tuple[str, ...] = ()
    sort: SortBy = "downloads"


def list_ids(api: HfApi, search: Search, language: str | None, _left_s: float) -> tuple[str, ...]:
    """List the ids of repositories, page by page, and never more than asked for.

    Args:
        api: Whom to ask.
        search: What to search for.
        language: Which of its languages; None for any.
        _left_s: Seconds that are left; the library has no place for it, and whoever calls stops waiting then.

    Raises:
        Exception: Whatever the library raises.
    """
    found = api.list_models(
        pipeline_tag=_TASK, search=search.text or None, filter=language, sort=search.sort, limit=search.limit
    )
    return tuple(info.id for info in found if isinstance(info.id, str))
