from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from benchmark.hub.retry_after import asked_wait


def test_a_date_is_so_many_seconds_from_now() -> None:
    wait = asked_wait({"Retry-After": format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)})
    assert wait is not None
    assert 85 < wait <= 90


@pytest.mark.parametrize("told", ["", " ", "soon", "-5", "1e9", "²", "99999999999999999 Foo 2020", "٣"])
def test_what_makes_no_sense_asks_for_nothing(told: str) -> None:
    assert asked_wait({"Retry-After": told}) is None


def test_a_number_beyond_all_bounds_is_a_long_wait() -> None:
    assert asked_wait({"Retry-After": "9" * 400}) == float("inf")


def test_the_limit_of_the_hub_counts_only_where_nothing_remains() -> None:
    assert asked_wait({"ratelimit": '"api";r=5;t=55'}) is None
    assert asked_wait({"ratelimit": '"api";r=0;t=55', "Retry-After": "7"}) == 7.0
