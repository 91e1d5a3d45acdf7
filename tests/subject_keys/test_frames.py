"""A frame in SQL counts as its column, and nothing that only looks like one does."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session, aliased

from sa_privacy import Privacy, PrivacyError
from sa_privacy.columns.subject_frame import KEY_ALIAS, KEY_TABLE, frame_sql
from sa_privacy.footprint.frames import tokens_of
from sa_privacy.footprint.lexer import Dialect, cut
from tests.subject_keys.world import Note, clerk

DIALECTS: tuple[Dialect, ...] = ("sqlite", "postgresql")


def frame(dialect: Dialect, column: str = "people.name") -> str:
    return frame_sql(column, postgresql=dialect == "postgresql")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("column", ["people.name", "main.people.name", '"People"."na me"', "anon_1.people_name"])
def test_the_column_is_put_in_place_of_its_frame(dialect: Dialect, column: str) -> None:
    for around in ("SELECT {} AS x FROM people", "SELECT 1, {}, {} FROM people WHERE {} = 2", "INSERT .. RETURNING {}"):
        framed, plain = (around.replace("{}", what) for what in (frame(dialect, column), column))
        assert tokens_of(framed, dialect, "qmark") == cut(plain, dialect, "qmark")


def changed(dialect: Dialect) -> dict[str, str]:
    """Texts around frames that are none, or stand where the key table is another one."""
    whole = frame(dialect)
    return {
        "another column behind the key": whole.replace("|| people.name", "|| people.email"),
        "another column looked up": whole.replace("substr(people.name,", "substr(people.email,"),
        "another column of the key table": whole.replace(".wrapped", ".subject"),
        "another condition": whole.replace(".id =", ".subject ="),
        "any key": whole.replace(" WHERE ", " WHERE 1 = 1 OR "),
        "a longer id": whole.replace(", 16)", ", 17)"),
        "another marker": whole.replace("f2", "01"),
        "a call inside": whole.replace("people.name", "lower(people.name)"),
        "a bare name": whole.replace("people.name", "name"),
        "a column of the key table itself": whole.replace("people.name", f"{KEY_ALIAS}.subject"),
        "a column of the key table by its name": whole.replace("people.name", f"{KEY_TABLE}.subject"),
        "a table of that name in a schema": whole.replace(f"FROM {KEY_TABLE}", f"FROM other.{KEY_TABLE}"),
        "a quoted name": whole.replace(f"FROM {KEY_TABLE}", f'FROM "{KEY_TABLE}"'),
        "cut off": whole[:-12],
    }


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("what", changed("sqlite"))
def test_what_differs_is_no_frame(dialect: Dialect, what: str) -> None:
    sql = f"SELECT {changed(dialect)[what]} FROM people"
    assert sql != f"SELECT {frame(dialect)} FROM people"
    try:
        assert tokens_of(sql, dialect, "qmark") == cut(sql, dialect, "qmark")
    except PrivacyError:
        assert what == "cut off"


def attacks(dialect: Dialect) -> dict[str, str]:
    whole = frame(dialect)
    return {
        "a WITH query in place of the key table": (
            f"WITH {KEY_TABLE} AS (SELECT email AS wrapped, id FROM people) SELECT {whole} FROM people"
        ),
        "a WITH query inside": f"SELECT (WITH {KEY_TABLE} AS (SELECT 1 AS wrapped, 2 AS id) SELECT {whole}) FROM people",
        "the key table beside": f"SELECT {whole}, k.wrapped FROM people, {KEY_TABLE} AS k",
        "the key table after": f"SELECT {whole} FROM people WHERE EXISTS (SELECT 1 FROM {KEY_TABLE} AS k WHERE k.kind = 'x')",
        "computed with": f"SELECT length({whole}) FROM people",
        "compared": f"SELECT people.id FROM people WHERE {whole} = people.email",
        "ordered": f"SELECT people.id FROM people ORDER BY {whole}",
        "copied": f"INSERT INTO notes (id, person_id, subject) SELECT 9, people.id, {whole} FROM people",
        **{what: f"SELECT {sql} FROM people" for what, sql in changed(dialect).items()},
    }


@pytest.mark.parametrize("what", attacks("sqlite"))
def test_no_text_around_a_frame_gets_anything_else(what: str, session: Session) -> None:
    dialect: Any = session.get_bind().dialect.name
    with pytest.raises(PrivacyError):
        session.execute(text(attacks(dialect)[what].replace(":", "\\:")))


def test_text_with_a_frame_reads_its_column_alone(office: Engine, privacy: Privacy) -> None:
    dialect: Any = office.dialect.name
    sql = f"SELECT {frame(dialect)} FROM people"
    with clerk(privacy, "mailing"):
        said = privacy.explain(sql, engine=office)
        assert (sorted(said.reads), said.matches, said.allowed) == (["people.name"], frozenset(), True)
        said = privacy.explain(sql.replace("people.name", "people.email"), engine=office)
        assert (sorted(said.reads), said.allowed) == (["people.email"], False)


def test_an_alias_called_as_the_key_tables_gets_no_value(session: Session) -> None:
    with pytest.raises(Exception, match=r"(?i)key|function"):
        session.scalars(select(aliased(Note, name=KEY_ALIAS).subject)).all()
