"""What was found, written into the application's own models and policy: as a unified diff, which somebody reads and applies.

Each column is edited where it is written: ``mapped_column`` and ``Column`` become ``pii_column`` in a class; the type of a
``Column(...)`` in a table, and of a field of a dataclass, is wrapped into ``Encrypted(...)``. What cannot be said there goes into ``[columns]`` of the policy.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Column, String, Table, Text

from sa_privacy.discovery.editing import (
    File,
    append_keywords,
    finished,
    has,
    import_name,
    insert_type,
    is_whole,
    target,
    type_of,
)
from sa_privacy.discovery.in_policy import policy_edited
from sa_privacy.discovery.models import Model, Place, Sources
from sa_privacy.discovery.owners import Owner
from sa_privacy.discovery.scanning import Scan
from sa_privacy.discovery.sealing import Annotating, annotating
from sa_privacy.discovery.source import Edit, Source, called
from sa_privacy.errors import PolicyError

__all__ = ["Patch", "draw_patch", "unified"]


@dataclass(frozen=True, slots=True)
class Patch:
    """A diff, and what it does.

    :param text: the diff; empty where there is nothing to change.
    :param annotated: what was said in models.
    :param columns: what is left to ``[columns]`` of the policy: the category of each ``"table.column"``.
    :param in_policy: whether the diff holds these, too.
    :param notes: what somebody has to decide, in words.
    """

    text: str
    annotated: tuple[Annotating, ...]
    columns: Mapping[str, str]
    in_policy: bool
    notes: tuple[str, ...]


def draw_patch(
    found: Scan,
    tables: Iterable[Table],
    *,
    root: Path,
    policy: Path | None = None,
    seal: bool = True,
    against: Mapping[str, str] | None = None,
) -> Patch:
    """Draws the diff. Nothing is written.

    :param root: the directory that the paths of the diff begin at, and whose files may be edited.
    :param policy: the policy document, where there is one.
    :param seal: False annotates without sealing anything.
    :param against: what the database has against sealing a column, by ``"table.column"``.
    """
    by_name = {one.fullname: one for one in tables}
    plans = [annotating(one, by_name[one.table], seal=seal, against=against or {}) for one in found.findings]
    drawing = _Drawing(Sources(root), by_name, plans)
    drawing.draw(found.owners)
    parts = [_drawn(one, root) for one in drawing.files.values()]
    left = {plan.finding.name: plan.finding.category for plan in drawing.left}
    edited = None if policy is None else policy_edited(policy, [plan.finding for plan in plans], left)
    if policy is not None and edited is not None:
        parts.append(unified(policy, root, policy.read_text(encoding="utf-8"), edited))
    notes = [*drawing.notes]
    return Patch("".join(parts), tuple(drawing.done), left, edited is not None, tuple(notes))


def _drawn(file: File, root: Path) -> str:
    """The diff of one file.

    :raises PolicyError: it would not be Python, or the file's encoding has no letters for it.
    """
    source = file.source
    try:
        return unified(source.path, root, source.in_diff(source.text), source.in_diff(finished(file)))
    except (SyntaxError, UnicodeError):
        raise PolicyError(
            f"{source.path.name} is written in a way that cannot be edited from here.",
            hint="annotate by hand what is shown without --patch, or name it under [columns] of the policy.",
        ) from None


def unified(path: Path, root: Path, before: str, after: str) -> str:
    """The diff of one file, as ``patch -p1`` and ``git apply`` take it."""
    path = path.resolve()
    name = path.relative_to(root.resolve()).as_posix() if path.is_relative_to(root.resolve()) else path.as_posix()
    lines = difflib.unified_diff(_lines(before), _lines(after), f"a/{name}", f"b/{name}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _lines(text: str) -> list[str]:
    return [line + "\n" for line in text.split("\n")[:-1]] + (
        [text.rpartition("\n")[2]] if text[-1:] != "\n" and text else []
    )


class _Drawing:
    def __init__(self, sources: Sources, tables: Mapping[str, Table], plans: Sequence[Annotating]) -> None:
        self._sources = sources
        self._tables = tables
        self._plans = plans
        self._models = sources.models(tables.values())
        self.files: dict[Path, File] = {}
        self.done: list[Annotating] = []
        self.left: list[Annotating] = []
        self.notes: list[str] = []

    def draw(self, owners: Iterable[Owner]) -> None:
        """Draws all of it."""
        places = {plan.finding.name: self._place(plan) for plan in self._plans}
        shared = self._shared_with_others(places)
        for plan in self._plans:
            place = places[plan.finding.name]
            if place is None or plan.finding.name in shared or not self._annotate(plan, place):
                self.left.append(plan)
            else:
                self.done.append(plan)
        for owner in owners:
            self._own(owner)

    # -- columns ------------------------------------------------------------------------------------------------------

    def _place(self, plan: Annotating) -> Place | None:
        table = self._tables[plan.finding.table]
        column = table.columns[plan.finding.column]
        for model in self._models_of(table):
            name = _attribute(model, column)
            if name is not None:
                return self._sources.attribute(model.mapper.class_, name)
        written = self._sources.table(table)
        return None if written is None else written[1].get(plan.finding.column)

    def _models_of(self, table: Table) -> list[Model]:
        return [one for one in self._models if table in one.mapper.tables]

    def _shared_with_others(self, places: Mapping[str, Place | None]) -> set[str]:
        """Columns that are written in a mixin which other tables use whose columns were not found to be the same."""
        shared: set[str] = set()
        categories = {plan.finding.name: (plan.finding.category, plan.sealed, plan.lookup) for plan in self._plans}
        for name, place in places.items():
            if place is None or place.owner is None or place.statement is None:
                continue
            attribute = target(place.statement)
            for model in self._models:
                cls = model.mapper.class_
                if not issubclass(cls, place.owner) or attribute not in model.mapper.column_attrs:
                    continue
                for column in model.mapper.column_attrs[attribute].columns:
                    other = f"{getattr(column, 'table', None)}.{column.name}"
                    if categories.get(other) != categories[name]:
                        shared.add(name)
        return shared

    def _annotate(self, plan: Annotating, place: Place) -> bool:
        """Whether it could be said there."""
        file = self._file(place)
        column = self._tables[plan.finding.table].columns[plan.finding.column]
        call, mapped = place.call, _is_mapped(place)
        if call is not None and not is_whole(call):
            return False
        if mapped and not place.is_dataclass:
            kind = None
            if plan.sealed and (call is None or type_of(call) is None):
                kind = self._type(column, file)
                if kind is None:
                    return False
            self._as_pii_column(plan, place, file, kind)
            return True
        if not plan.sealed or isinstance(
            place.statement, ast.Assign
        ):  # deferred(Column(...)): mypy would ask for a type
            return False
        inner = type_of(call) if call is not None else None
        text = place.source.of(inner) if inner is not None else self._type(column, file)
        if text is None:
            return False
        said = ", ".join(part for part in (text, plan.arguments) if part)
        wrapped = f"{import_name(file, 'sa_privacy', 'Encrypted')}({said})"
        hidden = "".join(f", {word}=False" for word in ("repr", "compare") if mapped and not has(call, word))
        if call is None:
            name = import_name(file, "sqlalchemy.orm", "mapped_column")
            assert place.statement is not None  # noqa: S101 - an annotation stands in a class
            end = place.source.end(place.statement)
            file.edits.append(Edit(end, end, f" = {name}({wrapped}{hidden})"))
            return True
        if inner is not None:
            file.edits.append(Edit(place.source.start(inner), place.source.end(inner), wrapped))
        else:
            insert_type(file, call, wrapped)
        if hidden:
            append_keywords(file, call, hidden.removeprefix(", "), counting=inner is None)
        return True

    def _as_pii_column(self, plan: Annotating, place: Place, file: File, kind: str | None) -> None:
        name = import_name(file, "sa_privacy", "pii_column")
        call, said = place.call, plan.arguments
        if call is None:
            assert place.statement is not None  # noqa: S101 - an annotation stands in a class
            end = place.source.end(place.statement)
            file.edits.append(Edit(end, end, f" = {name}({', '.join(part for part in (kind, said) if part)})"))
            return
        file.edits.append(Edit(place.source.start(call.func), place.source.end(call.func), name))
        if kind:
            insert_type(file, call, kind)
        append_keywords(file, call, said, counting=bool(kind))

    def _type(self, column: Column[Any], file: File) -> str | None:
        """The type, as it can be written in the file: empty for text of any length; None where it cannot."""
        kind = column.type
        name = type(kind).__name__
        if type(kind) in (String, Text) and kind.length is None:  # type: ignore[attr-defined]
            return ""
        if getattr(sqlalchemy, name, None) is not type(kind):
            return None
        written = repr(kind).removesuffix("()")
        for bound, thing in vars(file.module).items():
            if thing is sqlalchemy:
                return f"{bound}.{written}"
        return written.replace(name, import_name(file, "sqlalchemy", name), 1)

    # -- whose rows ---------------------------------------------------------------------------------------------------

    def _own(self, owner: Owner) -> None:
        table = self._tables[owner.table]
        if owner.others:
            self.notes.append(
                f"{owner.table}: rows are taken to belong to {owner.via}; {', '.join(owner.others)} "
                f"lead{'s' if len(owner.others) == 1 else ''} to people, too"
            )
        column = table.columns[str(owner.key or owner.via)]
        word = "key" if owner.key else "via"
        for model in self._models_of(table):
            name = _attribute(model, column)
            if (
                model.mapper.local_table is not table
                or name is None
                or "__tablename__" not in vars(model.mapper.class_)
            ):
                continue
            if hasattr(model.mapper.class_, "__data_subject__"):
                return
            file = self._file(Place(model.source, model.module, None))
            place = _into_class(file.source, model.body)
            if place is None:
                break
            subject = import_name(file, "sa_privacy", "DataSubject")
            line = f'__data_subject__ = {subject}("{owner.kind}", {word}="{name}")'
            before, at, ending = place
            file.edits.append(Edit(at, at, f"{before}{line}{ending}"))
            return
        written = self._sources.table(table)
        call = None if written is None or self._models_of(table) else written[0].call
        if written is None or call is None or has(call, "info") or has(call, None):
            self.notes.append(
                f'{owner.table}: say whose the rows are: DataSubject("{owner.kind}", {word}="{column.name}")'
            )
            return
        file = self._file(written[0])
        subject = import_name(file, "sa_privacy", "DataSubject")
        append_keywords(file, call, f'info={{"data_subject": {subject}("{owner.kind}", {word}="{column.name}")}}')

    def _file(self, place: Place) -> File:
        return self.files.setdefault(place.source.path, File(place.source, place.module))


def _into_class(source: Source, body: ast.ClassDef) -> tuple[str, int, str] | None:
    """Where a line of a class can stand, and what around it: below ``__tablename__``, or on top. None: nowhere."""
    ending = source.newline
    named = next((one for one in body.body if target(one) == "__tablename__"), None)
    if named is not None:
        below = max((one for one in body.body if one.lineno <= (named.end_lineno or 0)), key=lambda one: one.lineno)
        deep, at = source.indent(named), source.after_line(below)
        before = "" if source.text[:at].endswith(("\n", "\r")) else ending
        return None if deep.strip() or named.lineno == body.lineno else (f"{before}{deep}", at, ending)
    first = body.body[1:][:1] if ast.get_docstring(body) is not None else body.body[:1]
    if not first:
        return None
    decorators = getattr(first[0], "decorator_list", [])
    deep = source.indent(first[0])
    return None if deep.strip() else (deep, source.line_start((decorators or first)[0]), ending)


def _attribute(model: Model, column: Column[Any]) -> str | None:
    return next((one.key for one in model.mapper.column_attrs if any(each is column for each in one.columns)), None)


def _is_mapped(place: Place) -> bool:
    """Whether it is an attribute that ``pii_column`` could be: a ``mapped_column`` or a ``Column``, or an annotation alone."""
    if place.call is None or called(place.call, "mapped_column") is place.call:
        return True
    return not place.is_dataclass and place.call is getattr(place.statement, "value", None)
