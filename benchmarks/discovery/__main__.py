"""How much of what people labelled a scan finds, by names and types alone.

    python -m benchmarks.discovery            # some seconds
    python -m benchmarks.discovery --quick    # the same; writes nothing

Prints precision (how many of the findings are right) and recall (how many of the personal columns are found), for the
threshold that ``sa-privacy scan`` shows from, and for the one that ``sa-privacy check`` insists on. ``--errors`` lists
what was missed and what was found wrongly.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    DateTime,
    Enum,
    ForeignKey,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import INET

from benchmarks.report import row
from benchmarks.results import Results
from sa_privacy.discovery.evidence import LIKELY
from sa_privacy.discovery.scanning import scan

DATA = Path(__file__).with_name("held_out.txt")
SHOWN = 0.5
TYPES: dict[str, Any] = {
    "text": Text,
    "integer": Integer,
    "number": Numeric,
    "boolean": Boolean,
    "date": Date,
    "datetime": DateTime,
    "interval": Interval,
    "uuid": Uuid,
    "inet": INET,
    "binary": LargeBinary,
    "json": JSON,
    "pk": Integer,
    "fk": Integer,
}


def read(path: Path = DATA) -> Iterator[tuple[str, MetaData, dict[str, str]]]:
    """Each schema: its name, its tables, and the label of every personal column."""
    for block in path.read_text(encoding="utf-8").split("\n[")[1:]:
        name, _, body = block.partition("]\n")
        metadata, labels = MetaData(), {}
        for line in body.splitlines():
            table, colon, columns = line.partition(": ")
            if not colon or line.startswith("#"):
                continue
            made = Table(table, metadata)
            for said in columns.split():
                column, _, kind = said.rpartition("/")
                kind, _, label = kind.partition("=")
                references = [ForeignKey("elsewhere.id")] if kind == "fk" else []
                sqltype = Enum("a", "b", name="of_two") if kind == "enum" else TYPES[kind]
                made.append_column(Column(column, sqltype, *references, primary_key=kind == "pk"))
                if label:
                    labels[f"{table}.{column}"] = label
        yield name, metadata, labels


def main() -> None:
    """Prints the table, and keeps its last line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the same; writes nothing")
    parser.add_argument("--errors", action="store_true", help="what was missed, and what was found wrongly")
    said = parser.parse_args()
    total = measure(errors=said.errors)
    if not said.quick:
        title = f"A scan by names and types, of {total['columns']:,} columns, {total['personal']:,} of them personal"
        Results("discovery", title, "python -m benchmarks.discovery", _lines(total)).write()


def measure(*, errors: bool = False) -> Counter[str]:
    """Prints the table.

    :param errors: and what was missed, and what was found wrongly.
    :returns: the counts of its last line.
    """
    print(
        f"{'schema':16} {'columns':>7} {'personal':>8} | from {SHOWN:.0%}: {'precision':>9} {'recall':>6} | "
        f"from {LIKELY:.0%}: {'precision':>9} {'recall':>6} | {'kind right':>10}"
    )
    total: Counter[str] = Counter()
    wrong: list[str] = []
    for name, metadata, labels in read():
        found = scan(metadata.tables.values(), at_least=0.0)
        counts: Counter[str] = Counter(columns=found.columns, personal=len(labels))
        for one in found.findings:
            for threshold in (SHOWN, LIKELY):
                if one.confidence >= threshold:
                    counts[f"found {threshold}"] += 1
                    counts[f"right {threshold}"] += one.name in labels
            if one.confidence >= SHOWN:
                counts["kind"] += labels.get(one.name) == one.kind
                if one.name not in labels:
                    wrong.append(f"  not personal: {name} {one.name} ({one.kind}, {one.confidence:.0%})")
        shown = {one.name for one in found.findings if one.confidence >= SHOWN}
        wrong += [f"  missed: {name} {column} ({label})" for column, label in labels.items() if column not in shown]
        total += counts
        _line(name, counts)
    _line("all", total)
    if errors:
        print(*wrong, sep="\n")
    return total


def _lines(total: Counter[str]) -> list[dict[str, Any]]:
    shares = {
        f"{what}, where it is {threshold:.0%} sure or more": total[f"right {threshold}"] / of
        for threshold in (SHOWN, LIKELY)
        for what, of in (
            ("findings that are personal columns", total[f"found {threshold}"]),
            ("personal columns that are found", total["personal"]),
        )
    } | {"of what is found rightly, the kind is right too": total["kind"] / total[f"right {SHOWN}"]}
    return [row(what, "%", None, [100 * share] * 2) for what, share in shares.items()]


def _line(name: str, counts: Counter[str]) -> None:
    def share(part: int, whole: int) -> str:
        return f"{part / whole:.0%}" if whole else "-"

    right = [counts[f"right {threshold}"] for threshold in (SHOWN, LIKELY)]
    found = [counts[f"found {threshold}"] for threshold in (SHOWN, LIKELY)]
    print(
        f"{name:16} {counts['columns']:7} {counts['personal']:8} |           {share(right[0], found[0]):>9} "
        f"{share(right[0], counts['personal']):>6} |           {share(right[1], found[1]):>9} "
        f"{share(right[1], counts['personal']):>6} | {share(counts['kind'], right[0]):>10}"
    )


if __name__ == "__main__":
    main()
