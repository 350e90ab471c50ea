"""What was left out of a corpus or treated specially: one list, which all reports show."""

import re
from collections.abc import Sequence

from benchmark.results.schema import Stored

EXAMPLES = 3
_BY_NUMBER = re.compile(r"\[([^|\]]*)\|([^\]]*)\]")


class LeftOut(Stored):
    """Clips of one kind that are left out or treated specially.

    Attributes:
        kind: Such as `no-speaker`.
        clips: How many, or how many files.
        examples: Up to three names.
        sentence: How many, of how many, which, what happens to them, and what changes it.
        option: The option that changes it; None where no option does.
    """

    kind: str
    clips: int
    examples: tuple[str, ...] = ()
    sentence: str
    option: str | None = None


def left_out(
    kind: str, count: int, names: Sequence[str], what: str, then: str, *, about: str = "", option: str | None = None
) -> LeftOut:
    """Write a line of the list: `what` with what it is `about`, examples, and `then`; `[is|are]` goes by the number.

    Examples:
        >>> left_out("no-speaker", 1, ["x.wav"], "of 9 clips [names|name] none", "[it is|they are] scored").sentence
        '1 of 9 clips names none, such as x.wav: it is scored.'
    """
    examples = tuple(names[:EXAMPLES])
    about = f" ({about})" if about else ""
    such_as = f", such as {', '.join(examples)}" if examples else ""
    what, then = (_BY_NUMBER.sub(lambda found: found[1 if count == 1 else 2], text) for text in (what, then))
    sentence = f"{count:,} {what}{about}{such_as}: {then}."
    return LeftOut(kind=kind, clips=count, examples=examples, sentence=sentence, option=option)
