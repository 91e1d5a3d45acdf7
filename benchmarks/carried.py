"""What was measured carried forward to a day of 10^9 events, and the figures of docs/scale.md.

python -m benchmarks.carried    # writes them into the page, from benchmarks/results/
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from benchmarks.capacity import APPEND, HEAD, LINE, PACKED, ROW, SERVER, SHIP, VERIFY
from benchmarks.results import RESULTS

__all__ = ["PAGE", "carried", "costs", "of_log", "of_processes", "write_page"]

PAGE: Final = Path(__file__).parent.parent / "docs" / "scale.md"
BEGIN, END = (
    "<!-- Figures: written by `python -m benchmarks.carried`, not by hand. -->",
    "<!-- End of the figures. -->",
)
BEGIN_PROCESSES = "<!-- Figures of processes: written by `python -m benchmarks.carried`, not by hand. -->"
END_PROCESSES = "<!-- End of the figures of processes. -->"
DAY: Final = 86_400
EVENTS: Final = 10**9
PEAK: Final = 3
"""How many times the average the busiest hour is taken to have."""
SEGMENT: Final = 64 * 1024**2
WRITERS: Final = 200
KEPT: Final = 3 * 365


def costs(results: Path = RESULTS / "capacity.json") -> dict[str, float]:
    """The medians that were measured, by what was measured."""
    return {line["what"]: line["median"] for line in json.loads(results.read_text(encoding="utf-8"))["lines"]}


def carried(cost: dict[str, float]) -> list[tuple[str, str, str]]:
    """What a day of 10^9 events takes: what, how it is reckoned, how much."""
    second = EVENTS / DAY
    day, packed, rows = (EVENTS * cost[what] for what in (LINE, PACKED, ROW))
    shippers = PEAK * second / cost[SHIP]
    core = EVENTS / cost[VERIFY] / 3600
    heads = 1440 * WRITERS * cost[HEAD]
    return [
        ("events a second, on average; in the busiest hour", f"10^9 / {DAY:,}; {PEAK} times that", f"{second:,.0f}; {PEAK * second:,.0f}"),
        ("processors that only append, in the busiest hour", f"{PEAK * second:,.0f}/s x {cost[APPEND]:.1f} us", f"{PEAK * second * cost[APPEND] / 1e6:.2f}"),
        ("bytes of segments", f"10^9 x {cost[LINE]:,.0f}", _bytes(day)),
        ("segments of 64 MiB", f"{_bytes(day)} / 64 MiB", f"{day / SEGMENT:,.0f}"),
        ("the same, compressed", f"10^9 x {cost[PACKED]:,.0f}, {cost[LINE] / cost[PACKED]:.1f} times less", _bytes(packed)),
        ("kept compressed for three years", f"{_bytes(packed)} x {KEPT:,}", _bytes(packed * KEPT)),
        ("verified by one processor", f"10^9 / {cost[VERIFY]:,.0f}/s", f"{core:.1f} h"),
        ("verified by 8, 64 processors", f"{core:.1f} h / 8, / 64", f"{core / 8 * 60:,.0f} min, {core / 64 * 60:,.1f} min"),
        ("shippers, to keep up with the busiest hour", f"{PEAK * second:,.0f}/s / {cost[SHIP]:,.0f}/s", f"{shippers:.1f}, so {-int(-shippers // 1)}"),
        ("processors of PostgreSQL, on average", f"{second:,.0f}/s x {cost[SERVER]:.0f} us", f"{second * cost[SERVER] / 1e6:.2f}"),
        ("bytes of tables and indexes", f"10^9 x {cost[ROW]:,.0f}", _bytes(rows)),
        (f"checkpoints, one a minute, {WRITERS} writers", f"1,440 x {WRITERS} x {cost[HEAD]:,.0f} bytes", f"1,440; {_bytes(heads)}"),
    ]  # fmt: skip


def _bytes(count: float) -> str:
    units = iter(("bytes", "kB", "MB", "GB", "TB", "PB"))
    unit = next(units)
    while count >= 1000:
        count, unit = count / 1000, next(units)
    return f"{count:,.0f} {unit}" if count >= 100 else f"{count:,.1f} {unit}"


def of_log(folder: Path = RESULTS) -> str:
    """The part of docs/scale.md that figures of the log stand in."""
    found = json.loads((folder / "capacity.json").read_text(encoding="utf-8"))
    said = [
        BEGIN,
        "",
        _measured(found),
        "",
        "| a step of an event's life | measured |",
        "|---|---|",
    ]
    for line in found["lines"]:
        digits = 1 if line["median"] < 100 else 0
        unit = {"1/s": "events/s"}.get(line["unit"], line["unit"])
        said.append(f"| {line['what']} | {line['median']:,.{digits}f} {unit} |")
    said += ["", "Carried forward to 10^9 events a day:", "", "| a day | reckoned | takes |", "|---|---|---|"]
    said += [f"| {what} | {how} | {much} |" for what, how, much in carried(costs(folder / "capacity.json"))]
    return "\n".join([*said, "", END])


def of_processes(folder: Path = RESULTS) -> str:
    """The part that figures of application processes stand in."""
    found = json.loads((folder / "processes.json").read_text(encoding="utf-8"))
    counts = [f"{count:g}" for count, *_ in found["curves"][0]["points"]]
    said = [
        BEGIN_PROCESSES,
        "",
        _measured(found),
        "",
        f"| processes | {' | '.join(counts)} |",
        "|---|" + "---|" * len(counts),
    ]
    for one in found["curves"]:
        digits = 2 if one["unit"] in ("x plain", "waits") else 0
        unit = "" if one["unit"] in ("1/s", "waits") else f", {one['unit']}"
        said.append(
            f"| {one['what']}{unit} | {' | '.join(f'{middle:,.{digits}f}' for _, middle, *_ in one['points'])} |"
        )
    lines = {line["what"].strip(): line["median"] for line in found["lines"]}
    for side in ("plain", "protected"):
        looks, waited = lines[f"{side}: looks"], lines[f"{side}: statements seen waiting for a lock"]
        files = lines[f"{side}: processes seen waiting for a file's lock"]
        seen = (
            f"Seen in {looks:,.0f} looks at the {side} side: {waited:.2f} % of the statements under way waited for a lock, "
            f"and a process {files:,.0f} times for one on a file."
        )
        said += ["", seen]
    return "\n".join([*said, "", END_PROCESSES])


def _measured(found: dict[str, Any]) -> str:
    machine = found["machine"]
    return f"Measured on {machine['cores']} processors ({machine['processor']}), Python {machine['python']}, {found['on']}:"


def write_page() -> None:
    """Puts the figures into the page."""
    told = PAGE.read_text(encoding="utf-8")
    for begin, end, figures in ((BEGIN, END, of_log()), (BEGIN_PROCESSES, END_PROCESSES, of_processes())):
        before, _, rest = told.partition(begin)
        told = before + figures + rest.partition(end)[2]
    PAGE.write_text(told, encoding="utf-8")


if __name__ == "__main__":
    write_page()
