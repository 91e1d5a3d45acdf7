"""Columns of which somebody has said what they are: personal, by their annotation, or not personal, in a file of decisions.

::

    [not_personal]
    kinds = ["primary key", "foreign key", "boolean"]
    columns = ["products.*", "*.created_at", "customers.tier"]

    [undecided]  # what was there on the day that the check began
    columns = ["orders.note"]
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Column, Table

from sa_privacy.discovery.evidence import LIKELY, Finding
from sa_privacy.discovery.scanning import scan, scanned_tables
from sa_privacy.discovery.types import family
from sa_privacy.errors import PolicyError

__all__ = ["KINDS_OF_COLUMNS", "Decisions", "Swallowed", "Verdict", "first_decisions", "judge_columns"]

#: What a whole kind of columns may be said of.
KINDS_OF_COLUMNS: Final = ("primary key", "foreign key", "boolean")
_KEYS: Final = {"not_personal": ("kinds", "columns"), "undecided": ("columns",)}


@dataclass(frozen=True, slots=True)
class Decisions:
    """What the file says.

    :param kinds: of :data:`KINDS_OF_COLUMNS`, those that are not personal.
    :param columns: columns that are not personal; ``*`` stands for anything.
    :param undecided: columns that may wait.
    """

    kinds: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()

    @classmethod
    def load(cls, path: Path) -> Decisions:
        """Reads the file.

        :raises PolicyError: it cannot be read, or says something else.
        """
        try:
            said = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise PolicyError(
                f"{path} cannot be read: {error.strerror or type(error).__name__}.",
                hint=f"sa-privacy check --init writes a first {path}.",
            ) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise PolicyError(f"{path} is no TOML: {error}.", hint="see docs/discovery.md.") from None
        for section, content in said.items():
            _known(path, section, _KEYS, "")
            if not isinstance(content, dict):
                raise PolicyError(f"{path}: {section} is no table.", hint=f"write [{section}], and under it its keys.")
            for key, value in content.items():
                _known(path, key, _KEYS[section], f"{section}.")
                if not (isinstance(value, list) and all(isinstance(each, str) for each in value)):
                    raise PolicyError(f"{path}: {section}.{key} is no list of names.", hint='write ["table.column"].')
        not_personal: dict[str, Any] = said.get("not_personal", {})
        for kind in not_personal.get("kinds", ()):
            _known(path, kind, KINDS_OF_COLUMNS, "not_personal.kinds: ")
        return cls(
            tuple(not_personal.get("kinds", ())),
            tuple(not_personal.get("columns", ())),
            tuple(said.get("undecided", {}).get("columns", ())),
        )


def _known(path: Path, name: str, names: Collection[str], where: str) -> None:
    if name not in names:
        near = difflib.get_close_matches(name, names, 1) or list(names)
        raise PolicyError(f'{path}: {where}"{name}" is not known.', hint=f"did you mean {' or '.join(near)}?")


@dataclass(frozen=True, slots=True)
class Swallowed:
    """A column that looks personal, and of which only a pattern or a kind says that it is not."""

    finding: Finding
    by: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done.

    :param undecided: columns of which nobody has said anything.
    :param swallowed: columns that somebody has to look at.
    :param contradicted: columns that are annotated as personal, and said by name not to be.
    :param idle: entries of the file that say nothing any more.
    :param waiting: how many columns may wait.
    """

    columns: int
    undecided: tuple[str, ...] = ()
    swallowed: tuple[Swallowed, ...] = ()
    contradicted: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()
    waiting: int = 0
    looks: Mapping[str, Finding] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether nothing has to be decided."""
        return not (self.undecided or self.swallowed or self.contradicted)


def judge_columns(tables: Iterable[Table], personal: Mapping[str, str], decisions: Decisions) -> Verdict:
    """Which columns somebody has to say something of.

    :param personal: the category of every annotated column, by ``"table.column"``.
    """
    given = scanned_tables(tables)
    looks = {one.name: one for one in scan(given, known=personal, at_least=0.5).findings}
    undecided: list[str] = []
    swallowed: list[Swallowed] = []
    contradicted: list[str] = []
    used: set[str] = set()
    waiting = 0
    every = [(f"{table.fullname}.{one.name}", one) for table in given for one in table.columns]
    for name, column in every:
        patterns = [each for each in decisions.columns if each == name or fnmatchcase(name, each)]
        used |= {each for each in patterns if each == name or name not in personal}
        if name in personal:
            contradicted += [name] if name in patterns else []
            continue
        kinds = [each for each in decisions.kinds if _is_of(column, each)]
        if name in patterns:
            continue
        if patterns or kinds:
            finding = looks.get(name)
            if finding is not None and finding.confidence >= LIKELY and name not in decisions.undecided:
                swallowed.append(Swallowed(finding, (patterns or kinds)[0]))
            continue
        if name in decisions.undecided:
            waiting += 1
            used.add(name)
        else:
            undecided.append(name)
    idle = [each for each in (*decisions.columns, *decisions.undecided) if each not in used]
    return Verdict(
        len(every), tuple(undecided), tuple(swallowed), tuple(contradicted), tuple(dict.fromkeys(idle)), waiting, looks
    )


def _is_of(column: Column[Any], kind: str) -> bool:
    if kind == "primary key":
        return column.primary_key
    return bool(column.foreign_keys) if kind == "foreign key" else family(column.type) == "boolean"


def first_decisions(tables: Iterable[Table], personal: Mapping[str, str]) -> str:
    """The first file: whole kinds are decided, and what is left may wait."""
    verdict = judge_columns(tables, personal, Decisions(KINDS_OF_COLUMNS))
    waiting = sorted({*verdict.undecided, *(one.finding.name for one in verdict.swallowed)})
    lines = []
    for name in waiting:
        finding = verdict.looks.get(name)
        remark = "" if finding is None else f"    # looks personal: {finding.kind}, {finding.percent}"
        lines.append(f"    {json.dumps(name, ensure_ascii=False)},{remark}\n")
    return (
        "# Columns that hold nothing personal. sa-privacy check fails where a column is neither annotated nor named here.\n\n"
        "[not_personal]\n"
        f"kinds = {json.dumps(list(KINDS_OF_COLUMNS))}\n"
        "columns = [\n]\n\n"
        f"# Nobody had said anything of these on {date.today().isoformat()}. Annotate each, or move it up, until none is left.\n"  # noqa: DTZ011
        "[undecided]\n"
        "columns = [\n" + "".join(lines) + "]\n"
    )
