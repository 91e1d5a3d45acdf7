"""The judge of SQL text: what a statement touches, whoever wrote it."""

from __future__ import annotations

from collections.abc import Sequence

from sa_privacy.columns.catalogue import Catalogue
from sa_privacy.footprint.declarations import Declarations
from sa_privacy.footprint.fingerprint import fingerprint
from sa_privacy.footprint.frames import tokens_of
from sa_privacy.footprint.judge import view_of
from sa_privacy.footprint.lexer import Dialect, unreadable
from sa_privacy.footprint.marks import Marks
from sa_privacy.footprint.model import NOTHING, Footprint
from sa_privacy.footprint.relations import Relations
from sa_privacy.footprint.statements import judge, split
from sa_privacy.footprint.work import Asked

__all__ = ["footprint_of_text"]


def footprint_of_text(
    sql: str,
    *,
    dialect: Dialect,
    paramstyle: str,
    catalogue: Catalogue,
    relations: Relations,
    declarations: Declarations,
    both_forms: bool = False,
    marks: Marks | None = None,
) -> Footprint:
    """What a text touches; several statements count together.

    :param paramstyle: ``"qmark"``, ``"named"``, ``"numeric"``, ``"format"``, ``"pyformat"``, ``"numeric_dollar"`` or
        ``"none"``. SQLAlchemy's unexpanded list parameters are understood everywhere. Binds are named, or counted
        from 0 over all parameters of the text.
    :param both_forms: the text is the library's own, of a search while a column is being sealed.
    :param marks: those around the gate's own conditions, which are not judged: what they read counts for nobody.
    :raises UnreadableStatement: where it cannot tell; the hint names the way out.
    """
    if declarations.statements:
        declared = declarations.statements.get(fingerprint(sql, dialect))
        if declared is not None:
            return declared
    asked = Asked(dialect, catalogue, relations, declarations, both_forms)
    asked.view = lambda definition, depth: view_of(definition, depth, asked)
    if marks is not None:
        asked.marks = marks.tables
    try:
        tokens = (
            tokens_of(sql, dialect, paramstyle)
            if marks is None
            else marks.read(tokens_of(marks.opened(sql), dialect, paramstyle))
        )
        footprints = [judge(part, asked) for part in split(tokens)]
    except RecursionError:
        raise unreadable("the statement is nested too deeply to be read") from None
    footprints = [footprint for footprint in footprints if footprint is not NOTHING]
    if len(footprints) < 2:
        return footprints[0] if footprints else NOTHING
    return _together(footprints)


def _together(footprints: Sequence[Footprint]) -> Footprint:
    empty: frozenset[str] = frozenset()
    return Footprint(
        reads=empty.union(*(f.reads for f in footprints)),
        matches=empty.union(*(f.matches for f in footprints)),
        writes=empty.union(*(f.writes for f in footprints)),
        deletes=empty.union(*(f.deletes for f in footprints)),
        inside=empty.union(*(f.inside for f in footprints)),
        mentions=tuple(m for f in footprints for m in f.mentions),
        returned=tuple((table, ()) for f in footprints for table, _ in f.returned),
        aside=True,
        unseen=any(f.unseen for f in footprints),
        inserts=tuple(i for f in footprints for i in f.inserts),
        assigned=empty.union(*(f.assigned for f in footprints)),
        moves=tuple(m for f in footprints for m in f.moves),
        stored=frozenset(s for f in footprints for s in f.stored),
    )
