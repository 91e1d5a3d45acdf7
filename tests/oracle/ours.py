"""Our own judgement of a statement, by every road that leads to one."""

from __future__ import annotations

import re
from contextlib import nullcontext
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final

from sqlalchemy import Engine
from sqlalchemy.exc import CompileError
from sqlalchemy.sql.compiler import SQLCompiler

from sa_privacy import Privacy
from sa_privacy.errors import AccessDenied, UnreadableStatement
from sa_privacy.footprint import Declarations, Footprint, binds_by_name, footprint_of_text, footprint_of_tree
from sa_privacy.gate.relations import LiveRelations
from tests.footprint.models import comparable
from tests.oracle.grants import Opened
from tests.oracle.world import CATALOGUE

__all__ = ["Differs", "Ours", "Rendered", "kind_of"]

_SIDES: Final = ("reads", "matches", "writes", "deletes", "inside")


class Differs(Exception):
    """Two roads led to two footprints."""


@dataclass(frozen=True)
class Rendered:
    """A statement as it would be sent, and as a text with its values written out.

    :param compiled: None where it was a text from the beginning.
    """

    compiled: SQLCompiler | None
    sql: str


class Ours:
    """Compiles statements on a protected engine, and judges them.

    :param connection: of the driver; names are looked up through it.
    """

    def __init__(self, privacy: Privacy, engine: Engine, connection: Any) -> None:
        self.privacy, self.engine = privacy, engine
        self.dialect: Any = engine.dialect.name
        # Nothing here changes what names mean, so the database is asked once.
        self.relations = LiveRelations(SimpleNamespace(connection=connection), self.dialect)

    def access(self, opened: Opened) -> Any:
        if not opened.parts:
            return nullcontext()
        return self.privacy.access(sorted(opened.parts), role="clerk", actor="oracle")

    def rendered(self, statement: Any, opened: Opened) -> Rendered | AccessDenied | None:
        """The statement as the engine sends it for those to whom this is opened: uncovered attributes left out.

        :returns: the denial, where it does not get so far; None where SQLAlchemy itself does not take it.
        """
        if isinstance(statement, str):
            return Rendered(None, statement)
        with self.access(opened):
            try:
                compiled = statement.compile(dialect=self.engine.dialect)
                text = statement.compile(dialect=self.engine.dialect, compile_kwargs={"literal_binds": True})
            except AccessDenied as denial:
                return denial
            except CompileError:
                return None
        return Rendered(compiled, text.string)

    def footprint(self, rendered: Rendered) -> Footprint | UnreadableStatement:
        """What the statement touches.

        :raises Differs: its tree, its text with parameters and its text with values do not say the same.
        """
        found = self._of_text(rendered.sql, "none")
        compiled = rendered.compiled
        if compiled is None:
            return found
        text = self._of_text(compiled.string, compiled.dialect.paramstyle)
        if _sides(text) != _sides(found):
            raise Differs(f"with parameters {_sides(text)}, with values {_sides(found)}")
        tree = footprint_of_tree(compiled, catalogue=CATALOGUE, declarations=Declarations(), relations=self.relations)
        if tree is not None:
            if isinstance(text, UnreadableStatement):
                raise Differs(f"the tree {_sides(tree)}, the text {text}")
            if comparable(tree) != comparable(binds_by_name(text, compiled)):
                raise Differs(f"the tree {comparable(tree)}, the text {comparable(text)}")
        return found

    def explained(self, statement: Any, opened: Opened) -> bool:
        """What ``privacy.explain`` says."""
        with self.access(opened):
            return self.privacy.explain(statement, engine=self.engine).allowed

    def _of_text(self, sql: str, paramstyle: str) -> Footprint | UnreadableStatement:
        try:
            return footprint_of_text(
                sql,
                dialect=self.dialect,
                paramstyle=paramstyle,
                catalogue=CATALOGUE,
                relations=self.relations,
                declarations=Declarations(),
            )
        except UnreadableStatement as error:
            return error


def _sides(found: Footprint | UnreadableStatement) -> object:
    if isinstance(found, UnreadableStatement):
        return kind_of(found)
    return [sorted(getattr(found, side)) for side in _SIDES]


def kind_of(error: UnreadableStatement) -> str:
    """Why a statement cannot be read, without the names in it."""
    if "may not be copied" in str(error):
        return "copies personal values into a column that is not declared for them"
    return re.sub(r'"[^"]*"|\b\w+\.\w+\b', "..", str(error).split("\n")[0])
