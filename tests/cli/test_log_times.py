"""How `sa-privacy log` names the zone of its times."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone, tzinfo

import pytest

from sa_privacy.cli.log.times import Clock


@pytest.mark.parametrize(
    ("zone", "name"),
    [
        (UTC, "UTC"),
        (timezone(timedelta(0), "UTC"), "UTC"),
        (timezone(timedelta(hours=9), "JST"), "JST (UTC+09:00)"),
        (timezone(timedelta(hours=-3, minutes=-30), "NST"), "NST (UTC-03:30)"),
    ],
)
def test_a_zone_is_named_with_its_distance_from_utc(zone: tzinfo, name: str) -> None:
    assert Clock(None, None, zone).name == name
