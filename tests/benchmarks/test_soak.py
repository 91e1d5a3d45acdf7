"""The soak does what it says: its faults happen, its judge is content with the library, and sees a loss that was planted."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.soak.believing import Beliefs
from benchmarks.soak.faults import KINDS
from benchmarks.soak.judge import Judgement, recoveries
from benchmarks.soak.soaking import soaking
from benchmarks.soak.watching import growth


def faults(judgements: list[Judgement]) -> dict[str, int]:
    """What the judge is not content with, and how often."""
    return {one.what: len(one.faults) for one in judgements if one.faults}


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit and /proc are Linux's")
def test_a_short_soak_with_each_fault_finds_nothing_wrong_and_a_planted_loss_is_found(tmp_path: Path) -> None:
    with soaking(seed=4711, directory=tmp_path) as soak:
        found = soak.run(1, gap=0.1, longest=0.6, kinds=list(KINDS), say=lambda _: None)
        assert found.faults == []
        assert [fault.kind for fault in found.told.faults][: len(KINDS)] == list(KINDS)
        assert set(recoveries(found.told)) == set(KINDS)
        assert all(one.looked_at for one in found.judgements)
        ends = Counter(one.end for one in found.told.operations.values())
        assert min(ends["done"], ends["failed"]) > 10

        # the last lines of a file that its killed writer left: the chain alone does not show that they are gone
        cut = max((path for path in soak.place.log.iterdir() if is_of_a_killed_shop(path)), key=file_size)
        whole = cut.read_bytes()
        cut.write_bytes(b"".join(lines(cut)[:-20]))
        without_end = faults(soak.judged(found.told))
        # a line in the middle of one
        at = whole.index(b"\n", len(whole) // 2) + 1
        cut.write_bytes(whole[:at] + whole[whole.index(b"\n", at) + 1 :])
        without_middle = faults(soak.judged(found.told))
    assert without_end.keys() == {"statements and their events", "lines in the shipped table"}
    assert without_middle.keys() >= {"lines of the log and of the ledger of erasures", "lines in the shipped table"}


def lines(path: Path) -> list[bytes]:
    """The lines of a file."""
    return path.read_bytes().splitlines(keepends=True)


def is_of_a_killed_shop(path: Path) -> bool:
    """Whether a process wrote it that is killed while it serves customers: others may write longer ones."""
    return b'"closed"' not in lines(path)[-1] and b'"request":"mortal' in path.read_bytes()


def file_size(path: Path) -> int:
    """Its bytes."""
    return path.stat().st_size


def test_a_row_may_hold_what_writes_of_unknown_end_left() -> None:
    beliefs = Beliefs()
    beliefs.write([("t", "a", {"x": 1, "y": 1})], "done")
    beliefs.write([("t", "a", {"x": 2})], "failed")
    assert not beliefs.seen("t", "a", {"x": 2})
    beliefs.write([("t", "a", {"x": 3})], "unknown")
    beliefs.write([("t", "a", None)], "unknown")
    assert len(beliefs.states("t", "a")) == 3
    assert not beliefs.seen("t", "a", {"x": 3, "y": 2})
    assert beliefs.seen("t", "a", {"x": 3})
    assert beliefs.certain("t", "a") == {"x": 3, "y": 1}
    assert not beliefs.seen("t", "a", None), "it was seen to be there"
    assert beliefs.seen("t", "b", None)


def test_growth_is_by_the_hour_and_single_peaks_do_not_count() -> None:
    flat = [(float(second), 100.0 + (50 if second == 70 else 0)) for second in range(600)]
    assert growth(flat) == 0
    assert growth([(second, value + second / 360) for second, value in flat]) == pytest.approx(10)
