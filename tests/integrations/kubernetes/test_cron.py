"""Cron expressions are refused as Kubernetes refuses them, before anything is made."""

from datetime import UTC, datetime

import pytest

from shazam.errors import ConfigError
from shazam.integrations.kubernetes.cron import check_cron

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)  # a Saturday


@pytest.mark.parametrize(
    ("expression", "next_at"),
    [
        ("15 2 * * 1", datetime(2026, 11, 30, 2, 15, tzinfo=UTC)),
        ("15 2 * * MON", datetime(2026, 11, 30, 2, 15, tzinfo=UTC)),
        ("*/30 * * * *", datetime(2026, 11, 28, 12, 30, tzinfo=UTC)),
        ("0 4 1 */3 *", datetime(2027, 1, 1, 4, 0, tzinfo=UTC)),
    ],
)
def test_the_next_time_is_told(expression, next_at):
    assert check_cron(expression, now=NOW) == next_at


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("", "0 fields"),
        ("15 2 * *", "4 fields"),
        ("0 15 2 * * 1", "6 fields"),
        ("@daily", "1 fields"),
        ("60 2 * * 1", "cron '60 2"),
        ("15 24 * * 1", "cron '15 24"),
        ("15 2 0 * 1", "cron '15 2 0"),
        ("15 2 * 13 1", "cron '15 2 * 13"),
        ("15 2 * * 7", "0 for Sunday"),
        ("15 2 * * 1-7", "0 for Sunday"),
        ("15 2 L * *", "only digits"),
        ("15 2 * * 5#3", "only digits"),
        ("H 2 * * *", "only digits"),
        ("0 0 31 2 *", "cron '0 0 31 2"),
        ("15 2 * * $(id)", "only digits"),
    ],
)
def test_what_never_comes_or_is_no_expression_is_refused(expression, told):
    with pytest.raises(ConfigError) as caught:
        check_cron(expression, now=NOW)
    assert told in str(caught.value)
