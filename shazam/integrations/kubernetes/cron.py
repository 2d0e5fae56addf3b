"""Cron expressions as Kubernetes reads them, refused before anything is made."""

from __future__ import annotations

import re
from datetime import datetime

from croniter import croniter
from croniter.croniter import CroniterError

from shazam.errors import ConfigError

_FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NAMES = {"month": set(_MONTHS), "day of the week": set(_DAYS)}
_FIELD = re.compile(r"[0-9A-Za-z*/,-]+")


def check_cron(expression: str, *, now: datetime) -> datetime:
    """Return when a schedule comes next.

    Args:
        expression: five fields: minute, hour, day of the month, month, day of the week (0 to 6,
            0 is Sunday).
        now: when it is asked.

    Raises:
        ConfigError: Kubernetes would refuse it, or it never comes.
    """
    fields = expression.split()
    if len(fields) != len(_FIELDS):
        raise ConfigError(
            f"cron '{expression}': has {len(fields)} fields; give five: {', '.join(_FIELDS)}, such "
            "as '15 2 * * 1' for Mondays at 2:15"
        )
    for name, field in zip(_FIELDS, fields, strict=True):
        words = set(re.findall(r"[a-z]+", field.lower()))
        if not _FIELD.fullmatch(field) or not words <= _NAMES.get(name, set()):
            raise ConfigError(f"cron '{expression}': {name} '{field}': only digits, names and */,-")
    if re.search(r"(?<![0-9/])7", fields[-1]):
        raise ConfigError(f"cron '{expression}': day of the week 7: Kubernetes has 0 for Sunday")
    try:
        next_at: datetime = croniter(expression, now).get_next(datetime)
    except (CroniterError, ValueError, KeyError) as error:
        raise ConfigError(f"cron '{expression}': {error}") from error
    return next_at
