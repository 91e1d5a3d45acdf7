"""What the caches of the statement path keep, and what they let go of."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from sa_privacy.gate.statements.recent import Recent


def test_what_was_asked_for_stays_and_what_is_oldest_goes() -> None:
    kept: Recent[int] = Recent(10)
    for number in range(15):
        kept[number] = number
    assert len(kept) == 15
    assert kept.get(3) == 3
    kept[15] = 15
    assert sorted(kept) == [3, *range(7, 16)]
    assert kept.get(4) is None


def test_what_was_asked_for_long_ago_goes_with_the_rest() -> None:
    kept: Recent[int] = Recent(10)
    kept[-1] = -1
    assert kept.get(-1) == -1
    for number in range(40):
        kept[number] = number
    assert -1 not in list(kept)


def test_threads_that_fill_it_leave_it_no_larger_than_it_may_be() -> None:
    kept: Recent[int] = Recent(50)

    def fill(start: int) -> None:
        for number in range(start, start + 3000):
            kept[number] = number
            assert kept.get(number) in (number, None)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(fill, range(0, 12_000, 3000)))
    assert len(kept) <= 75
