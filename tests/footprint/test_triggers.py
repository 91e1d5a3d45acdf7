"""What the database runs by itself when rows are written: read where it can be, refused where it cannot."""

from __future__ import annotations

import pytest

from sa_privacy.errors import UnreadableStatement
from sa_privacy.footprint import Code, Relation
from tests.footprint.shop import Database, columns, judge

HEAD = "CREATE OR REPLACE FUNCTION public.it()\n RETURNS trigger\n LANGUAGE plpgsql\nAS $function$ BEGIN "
TAIL = " END $function$"


class Reacting(Database):
    """The shop, where writing to a table runs code of its own."""

    def __init__(self, table: str, text: str, *calls: str) -> None:
        self.code = (Code("public.it", text, "public", table),)
        self.calls = frozenset(calls)

    def lookup(self, schema: str | None, name: str) -> Relation:
        return Relation("table", code=self.code)

    def overloaded(self, functions: object) -> frozenset[str]:
        return self.calls & frozenset(functions)  # type: ignore[call-overload, no-any-return]


KEEP_THEIR_ROW = [
    HEAD + "NEW.tier = OLD.tier; RETURN NEW;" + TAIL,
    HEAD
    + "IF NEW.tier IS DISTINCT FROM OLD.tier THEN NEW.tier := coalesce(OLD.tier, NEW.tier); END IF; RETURN NEW;"
    + TAIL,
    "CREATE TRIGGER it AFTER UPDATE OF email, name ON customers BEGIN UPDATE customers SET tier = 1 WHERE id = NEW.id; END",
]
MAY_KEEP_MORE = [
    HEAD + "NEW.tier := NEW.email; RETURN NEW;" + TAIL,
    HEAD + "NEW.tier := NEW.EMAIL; RETURN NEW;" + TAIL,
    HEAD + 'NEW.tier := NEW."email"; RETURN NEW;' + TAIL,
    HEAD + "INSERT INTO notes VALUES (1); RETURN NEW;" + TAIL,
    HEAD + "NEW.tier := NEW; RETURN NEW;" + TAIL,
    HEAD + "NEW.tier := to_json(NEW); RETURN NEW;" + TAIL,
    HEAD + "NEW.tier := OLD /* */ ; RETURN NEW;" + TAIL,
    HEAD + "PERFORM it(); RETURN NEW;" + TAIL,
    HEAD + "EXECUTE tier; RETURN NEW;" + TAIL,
    HEAD + "NEW.tier := (SELECT * FROM customers); RETURN NEW;" + TAIL,
    "CREATE TRIGGER it AFTER UPDATE ON customers BEGIN INSERT INTO notes VALUES (old.email); END",
    "CREATE TRIGGER it AFTER UPDATE ON customers BEGIN SELECT unheard_of; END",
    "CREATE RULE it AS ON UPDATE TO customers DO ALSO INSERT INTO notes VALUES (old.tier)",
]
UPDATE = "UPDATE customers SET name = 'x' WHERE id = 1"


@pytest.mark.parametrize("text", KEEP_THEIR_ROW)
def test_a_trigger_that_is_written_with_plain_columns_of_its_row_runs(text: str) -> None:
    assert judge(UPDATE, relations=Reacting("customers", text)).writes == columns("name")


@pytest.mark.parametrize("text", MAY_KEEP_MORE)
def test_a_trigger_of_a_protected_table_that_may_keep_its_values_is_refused_until_it_is_declared(text: str) -> None:
    relations = Reacting("customers", text)
    with pytest.raises(UnreadableStatement, match="may keep its values elsewhere") as caught:
        judge(UPDATE, relations=relations)
    assert 'privacy.declare(function="public.it"' in str(caught.value.hint)
    assert not judge(UPDATE, relations=relations, functions={"public.it": frozenset()}).reads
    declared = judge(UPDATE, relations=relations, functions={"public.it": columns("email")})
    assert declared.reads == columns("email")


def test_a_trigger_counts_for_the_table_whose_rows_go_with_those_that_are_written() -> None:
    relations = Reacting("customers", MAY_KEEP_MORE[0])
    with pytest.raises(UnreadableStatement, match="may keep its values elsewhere"):
        judge("DELETE FROM products WHERE id = 1", relations=relations)


def test_a_check_on_a_protected_table_may_look_at_its_row() -> None:
    """A function in a check is given values, not rows, and is asked about every write."""
    text = "CREATE OR REPLACE FUNCTION public.it(address text) RETURNS boolean AS 'SELECT address LIKE ''%@%'''"
    assert judge(UPDATE, relations=Reacting("customers", text)).writes == columns("name")


def test_a_trigger_of_a_plain_table_may_not_call_what_may_read_anything() -> None:
    relations = Reacting("products", HEAD + "NEW.title := Secret(1); RETURN NEW;" + TAIL, "secret", "it")
    sql = "UPDATE products SET title = 'x'"
    with pytest.raises(UnreadableStatement, match="calls secret of the database"):
        judge(sql, relations=relations)
    assert not judge(sql, relations=relations, functions={"app.secret": frozenset()}).reads
    assert judge(sql, relations=relations, functions={"secret": columns("email")}).reads == columns("email")


def test_a_trigger_may_not_run_a_string() -> None:
    text = HEAD + "EXECUTE 'INSERT INTO notes SELECT email FROM cust' || 'omers'; RETURN NEW;" + TAIL
    with pytest.raises(UnreadableStatement, match="runs strings"):
        judge("UPDATE products SET title = 'x'", relations=Reacting("products", text))


def test_a_table_that_refers_to_a_personal_column_holds_its_values() -> None:
    class Referring(Database):
        def lookup(self, schema: str | None, name: str) -> Relation:
            return Relation("table", refers=((None, "Customers", "Email"), (None, "products", "id")))

    with pytest.raises(UnreadableStatement, match=r"followers refers to customers\.email") as caught:
        judge("SELECT id FROM followers", relations=Referring())
    assert "[columns]" in str(caught.value.hint)
