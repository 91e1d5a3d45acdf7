"""The catalogue of the moment: made anew when a table, column or mapping was added, kept otherwise."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from threading import RLock
from typing import TYPE_CHECKING
from weakref import WeakSet

from sqlalchemy import MetaData, Table, event
from sqlalchemy.orm import Mapper

from sa_privacy.columns.annotation import annotated_tables, annotation_of, on_annotation, registry_version
from sa_privacy.columns.build import build_catalogue, check_rules, column_name, seal_by_rules, seal_table
from sa_privacy.columns.catalogue import Catalogue
from sa_privacy.columns.own_tables import OWN_CATEGORY, OWN_TABLES
from sa_privacy.errors import PolicyError

if TYPE_CHECKING:
    from sa_privacy.policy import Policy

__all__ = ["LiveCatalogue"]

_live: WeakSet[LiveCatalogue] = WeakSet()


class LiveCatalogue:
    """Keeps one policy's catalogue up to date.

    :param metadata: the MetaData collections looked after; None means every annotated table of the process.
    :param on_change: called after the catalogue was made anew.
    """

    def __init__(self, policy: Policy, metadata: tuple[MetaData, ...] | None) -> None:
        self.policy = policy
        self.metadata = metadata
        #: Whether the library keeps ledgers of its own for this policy. People's keys are looked after where there are some.
        self.own = policy.keeps_ledgers
        self.on_change: Callable[[], None] | None = None
        self._lock = RLock()
        #: The catalogue where it is up to date, else None: what was worked out from another object is out of date.
        self.now: Catalogue | None = None
        _live.add(self)
        on_annotation(self)

    def current(self) -> Catalogue:
        """The catalogue of the moment; the same object as long as nothing was added."""
        return self.now or self._rebuild()

    def renew(self) -> None:
        """Makes the next catalogue a new object, so that whatever was worked out from the old one is worked out anew."""
        self.now = None

    def close(self) -> None:
        """Looks after nothing any more: mappers configured from now on are not checked against the policy."""
        _live.discard(self)

    def _rebuild(self) -> Catalogue:
        with self._lock:
            if self.now is None:
                version = registry_version()
                built = build_catalogue(self.policy, self.metadata, own=self.own)
                self.now = built
                if self.on_change is not None:
                    self.on_change()
                if version != registry_version():  # building may itself configure mappers
                    self.now = None
                return built
            return self.now

    def check(self) -> None:
        """Seals what the policy's ``[columns]`` seal, and refuses annotations that no policy knows or that it contradicts.

        :raises PolicyError: of unknown categories and purposes, with every such column and the nearest name of each.
        """
        seal_by_rules(self.policy, self.metadata)
        tables = [table for table in annotated_tables() if self.looks_after(table)]
        faults = [fault for table in tables for fault in _faults(table)]
        if faults:
            raise _unknown(faults)
        for table in tables:
            check_rules(self.policy, table)

    def looks_after(self, table: Table) -> bool:
        """Whether the table is among those of the policy."""
        if table.metadata is OWN_TABLES:
            return self.own
        return self.metadata is None or table.metadata in self.metadata


def _faults(table: Table) -> list[tuple[str, str, str]]:
    """The columns whose annotation names what no policy that looks after them knows: column, what, the nearest name."""
    looking = [live for live in tuple(_live) if live.looks_after(table)]
    if not looking:
        return []
    categories = {name for live in looking for name in live.policy.categories}
    purposes = {name for live in looking for name in live.policy.purposes}
    found = []
    for column in table.columns:
        annotation = annotation_of(column)
        if annotation is None or annotation.category == OWN_CATEGORY:
            continue
        said = [("category", annotation.category, categories)]
        said += [("purpose", name, purposes) for name in sorted(annotation.purposes or ())]
        for what, name, known in said:
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                found.append((column_name(column), f'{what} "{name}"', near[0] if near else ""))
    return found


def _unknown(faults: list[tuple[str, str, str]]) -> PolicyError:
    lines = [f"{name} is annotated with {what}" for name, what, _ in sorted(set(faults))]
    near = sorted({guess for _, _, guess in faults if guess})
    kinds = sorted({what.partition(" ")[0] for _, what, _ in faults})
    sections = " or ".join({"category": "[categories]", "purpose": "[purposes]"}[kind] for kind in kinds)
    return PolicyError(
        "; ".join(lines) + f": the policy knows no such {' or '.join(kinds)}.",
        hint=f"did you mean {', '.join(near)}?" if near else f"add it under {sections} in the policy.",
        columns=[name for name, _, _ in faults],
    )


@event.listens_for(Mapper, "mapper_configured")
def _configured(mapper: Mapper[object], class_: type[object]) -> None:  # noqa: ARG001 - the event's arguments
    """What is unknown or said twice shows when the mapper is configured, not when the first query runs."""
    tables = {table for table in mapper.tables if isinstance(table, Table)} & set(annotated_tables())
    faults = [fault for table in tables for fault in _faults(table)] if tables and _live else []
    if faults:
        raise _unknown(faults)
    for live in tuple(_live):
        for table in tables:
            if live.looks_after(table):
                check_rules(live.policy, table)


@event.listens_for(Table, "after_parent_attach")
def _made(table: Table, metadata: MetaData) -> None:
    """A table that comes late is sealed before its first statement is compiled."""
    for live in tuple(_live):
        if live.metadata is None or metadata in live.metadata:
            seal_table(live.policy, table)
