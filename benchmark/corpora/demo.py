"""The embedded demo as corpora: the labelled clips, those without labels, and the long recording."""

from benchmark.corpora.clips import Clip
from benchmark.demo.files import demo_clips
from benchmark.errors import RequestError

DEMO_PARTS = ("", "unlabelled", "long")
"""What may stand after `demo:`; nothing stands for the labelled corpus."""


def check_part(part: str) -> str:
    """Hold that the demo has such a part.

    Args:
        part: What stands after `demo:` in a SPEC.

    Returns:
        The same.

    Raises:
        RequestError: It has none.
    """
    if part not in DEMO_PARTS:
        *others, last = (f"demo:{known}" for known in DEMO_PARTS)
        raise RequestError(f"The demo has no part {part!r}; write {', '.join(others)} or {last}.")
    return part


def demo_corpus(part: str) -> tuple[Clip, ...]:
    """List the clips of a part of the demo.

    Args:
        part: Empty for the labelled corpus; `unlabelled` or `long`.

    Returns:
        The clips, not yet decoded.

    Raises:
        RequestError: The demo has no such part.
    """
    return tuple(
        Clip(
            name=clip.name,
            audio=clip,
            label=clip.emotion,
            speaker=clip.speaker,
            sex=clip.sex,
            text_id=clip.text_id,
        )
        for clip in demo_clips(check_part(part) or "labelled")
    )
