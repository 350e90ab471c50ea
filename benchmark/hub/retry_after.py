"""How long a server asks to wait before it is asked again."""

import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from huggingface_hub.utils import parse_ratelimit_headers  # type: ignore[attr-defined]  # documented there, not declared


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """Read how long a server asks to wait.

    Args:
        headers: Of its answer: `Retry-After` in seconds or as a date, or the Hub's own `RateLimit`.

    Returns:
        Seconds from now, none below zero; None where it asks for nothing that makes sense.

    Examples:
        >>> asked_wait({"Retry-After": "120"}), asked_wait({"ratelimit": '"api";r=0;t=55'}), asked_wait({})
        (120.0, 55.0, None)
        >>> asked_wait({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}), asked_wait({"Retry-After": "soon"})
        (0.0, None)
    """
    told = headers.get("Retry-After", "").strip()
    if told.isascii() and told.isdecimal():
        return float(told)
    if told:
        try:
            moment = parsedate_to_datetime(told)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, moment.timestamp() - time.time())
    limit = parse_ratelimit_headers(headers)
    return float(limit.reset_in_seconds) if limit is not None and limit.remaining == 0 else None
