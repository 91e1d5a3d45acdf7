"""What the database says: is what should be sealed, are the library's own tables, triggers and wall as they should be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, MetaData
from sqlalchemy.exc import DBAPIError

from sa_privacy.cli import tables as own_tables
from sa_privacy.cli.doctor.models import applications_own
from sa_privacy.cli.doctor.sampling import END, sample_sealed
from sa_privacy.cli.doctor.section import BREAKS, LEAKS, Risk, Section, listed, many
from sa_privacy.cli.wall import Wanted
from sa_privacy.errors import PolicyError
from sa_privacy.jobs import Finding, examine
from sa_privacy.ledger.append_only import missing_triggers
from sa_privacy.privacy import Privacy

__all__ = ["examined", "sealable", "stored"]


def stored(connection: Connection, privacy: Privacy, wall: Wanted | None) -> Section:
    """Looks at the data, the library's own tables, and what the database enforces.

    :param wall: what to ask about the wall; None where no login was named.
    """
    lines: list[str] = []
    facts: dict[str, Any] = {"dialect": connection.dialect.name}
    risks: list[Risk] = []
    for ask in (_cells, _tables, _holds):
        line, found, at_risk = ask(connection, privacy)
        lines += [line] if line else []
        facts |= found
        risks += at_risk
    if connection.dialect.name == "postgresql":
        line, found, at_risk = _wall(connection, wall)
        lines.append(line)
        facts |= found
        risks += at_risk
    return Section("stored", lines, facts, risks)


_Answer = tuple[str, dict[str, Any], list[Risk]]


def _cells(connection: Connection, privacy: Privacy) -> _Answer:
    found = sample_sealed(connection, privacy.catalogue)
    plain = sorted(found.plain)
    facts = {"rows_looked_at_from_each_end": END, "plain": found.plain, "cells": found.cells, "missing": found.missing}
    risks = [
        Risk(
            LEAKS,
            f"plain values in {'a sealed column' if len(plain) == 1 else f'{len(plain)} sealed columns'}: {listed(plain)}.",
            f"sa-privacy seal {' '.join(plain[:3])}{' ...' if len(plain) > 3 else ''}",
        )
    ][: len(plain)]
    if found.missing:
        risks.append(
            Risk(
                BREAKS,
                f"the database has no {listed(found.missing)}.",
                "is it the right database, its schema up to date?",
            )
        )
    if not (found.cells or plain):
        return "no sealed value yet" if any(c.sealed for c in privacy.catalogue.columns.values()) else "", facts, risks
    said = f"plain values in {many(len(plain), 'sealed column')}" if plain else "sealed columns hold cells alone"
    return f"{said} (up to {END} rows from each end of a table looked at)", facts, risks


def _tables(connection: Connection, privacy: Privacy) -> _Answer:
    needed = privacy.policy.keeps_ledgers or any(one.by_subject for one in privacy.catalogue.columns.values())
    versions = own_tables.tables
    if versions is None:
        return "own tables: not asked, Alembic is not installed", {"tables": None}, []
    there, at, newest = versions.are_there(connection), versions.version(connection), versions.head()
    if not there:
        risk = Risk(
            BREAKS,
            "the policy asks for ledgers, and the library's own tables are not there.",
            "sa-privacy tables upgrade",
        )
        line = "own tables: not there" if needed else "own tables: none, the policy asks for no ledger"
        return line, {"tables": {"there": False, "needed": needed}}, [risk] if needed else []
    differences, triggers = versions.differences(connection), missing_triggers(connection)
    facts = {"there": True, "version": at, "newest": newest, "differences": differences, "missing_triggers": triggers}
    risks = []
    if triggers:
        risks.append(
            Risk(
                BREAKS,
                f"ledgers can be changed: no trigger keeps {listed(triggers)}.",
                "sa-privacy tables check, and make them anew.",
            )
        )
    other = [one for one in differences if not any(name.partition(".")[0] in one for name in triggers)]
    if other or at not in (newest, None):
        risks.append(
            Risk(
                BREAKS,
                "the library's own tables are not as this release expects them.",
                "sa-privacy tables upgrade, or check.",
            )
        )
    state = f"at version {at}" if at is not None else "without a version"
    return f"own tables: {state}{'' if risks else ', append-only, as they should be'}", {"tables": facts}, risks


def _holds(connection: Connection, privacy: Privacy) -> _Answer:
    if privacy.policy.erasure is None:
        return "", {}, []
    missing = privacy.holds.missing(connection)
    risk = Risk(BREAKS, f"no hold can be placed on rows of {listed(missing)}.", "sa-privacy hold guard")
    line = f"holds: triggers missing on {many(len(missing), 'table')}" if missing else "holds: guarded"
    return line, {"without_hold_guards": missing}, [risk] if missing else []


def _wall(connection: Connection, wall: Wanted | None) -> _Answer:
    if wall is None:
        return "wall: not asked (--login)", {"wall": None}, []
    try:
        drift = wall.inspect(connection).drift
    except DBAPIError:
        return "wall: cannot be asked, connect as the owner of the tables", {"wall": None}, []
    weight = LEAKS if any(one.kind == "extra" for one in drift) else BREAKS
    risk = Risk(
        weight, f"the wall differs from the policy in {many(len(drift), 'place')}.", "sa-privacy wall check, then apply"
    )
    line = f"wall: differs in {many(len(drift), 'place')}" if drift else "wall: up"
    return line, {"wall": {"differences": len(drift)}}, [risk] if drift else []


def examined(connection: Connection, privacy: Privacy, metadata: Sequence[MetaData]) -> dict[str, list[Finding] | None]:
    """What stands against sealing each personal column of the models; None where the database has no such column."""
    tables = {table.fullname: table for one in metadata for table in one.tables.values()}
    found: dict[str, list[Finding] | None] = {}
    for name in applications_own(privacy.catalogue):
        place, _, column = name.rpartition(".")
        if place not in tables:  # the policy alone names it, for statements that no model makes
            continue
        try:
            found[name] = examine(connection, tables[place], tables[place].c[column])
        except PolicyError:
            found[name] = None
    return found


def sealable(guarded: Sequence[str], found: dict[str, list[Finding] | None]) -> Section:
    """Of the guarded columns: which can be sealed in place."""
    guarded = [name for name in guarded if name in found]
    forbidden = [name for name in guarded if any(one.forbids for one in found[name] or ())]
    care = [name for name in guarded if found[name] and name not in forbidden]
    missing = [name for name in guarded if found[name] is None]
    plain = [name for name in guarded if found[name] == []]
    line = (
        f"of {many(len(guarded), 'guarded column')}: {len(plain)} in place, {len(care)} with care, {len(forbidden)} not"
        if guarded
        else "every personal column is sealed"
    )
    risks = [
        Risk(BREAKS, f"the database has no {listed(missing)}.", "is it the right database, its schema up to date?")
    ][: len(missing)]
    return Section(
        "sealable", (line,), {"in_place": plain, "with_care": care, "not": forbidden, "missing": missing}, risks
    )
