"""What the library cannot read does not run: the world of statements, functions and relations is closed."""

from __future__ import annotations

import pytest

from sa_privacy.errors import UnreadableStatement
from tests.footprint.shop import Nobody, columns, judge

BOTH = [
    ("SELECT my_score()", "my_score"),
    ("SELECT my_score(email) FROM customers", "my_score"),
    ("SELECT app.score(1)", "app.score"),
    ('SELECT "LowerX"(email) FROM customers', "lowerx"),
    ("SELECT app.lower(email) FROM customers", "app.lower"),
    ("SELECT * FROM my_rows()", "my_rows"),
    ("SELECT len(email) FROM customers", "len"),
    ("SELECT a FROM unknown_thing", "unknown_thing"),
    ("SELECT id FROM products JOIN unknown_thing ON true", "unknown_thing"),
    ("SELECT x FROM v_odd", "my_score"),
    ("SELECT x FROM v_loop", "nested"),
    ("SELECT x.email FROM customers c", '"x"'),
    ("INSERT INTO products (title) SELECT email FROM customers", "customers.email"),
    ("INSERT INTO products SELECT id, name, 1 FROM customers", "customers.name"),
    ("INSERT INTO products (title) SELECT x FROM (SELECT lower(email) AS x FROM customers) t", "customers.email"),
    ("INSERT INTO customers (phone) SELECT email FROM customers", "customers.email"),
    ("INSERT INTO customers (tier) SELECT segment FROM customers", "customers.segment"),
    ("INSERT INTO products (title) VALUES ((SELECT email FROM customers LIMIT 1))", "customers.email"),
    ("INSERT INTO products (title) SELECT * FROM (SELECT email FROM customers) t", "customers.email"),
    ("INSERT INTO stats (amount) SELECT count(email) FROM customers", "customers.email"),
    ("UPDATE customers SET tier = segment", "customers.segment"),
    ("UPDATE customers SET phone = email", "customers.email"),
    ("UPDATE products SET title = (SELECT email FROM customers LIMIT 1)", "customers.email"),
    ("UPDATE products SET title = c.name FROM customers c", "customers.name"),
    ("UPDATE customers SET (tier, name) = (SELECT name, tier FROM customers LIMIT 1)", "customers.name"),
    (
        "INSERT INTO customers (id, email) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET tier = excluded.email",
        "customers.email",
    ),
    (
        "INSERT INTO products (title) VALUES ('x') ON CONFLICT (id) DO UPDATE SET title = (SELECT max(name) FROM customers)",
        "customers.name",
    ),
    ("UPDATE v_mail SET mail = 'x'", "view"),
    ("DELETE FROM v_named", "view"),
    ("CREATE TABLE t AS SELECT email FROM customers", "CREATE TABLE"),
    ("CREATE TEMP TABLE t AS SELECT * FROM customers", "CREATE TABLE"),
    ("CREATE TABLE t AS SELECT mail FROM v_mail", "CREATE TABLE"),
    ("CREATE VIEW v AS SELECT email FROM customers", "CREATE VIEW"),
    ("CREATE VIEW v (x) AS SELECT id FROM customers WHERE email = 'x'", "CREATE VIEW"),
    ("CREATE TRIGGER t AFTER INSERT ON customers BEGIN SELECT 1; END", "TRIGGER"),
    ("CREATE TRIGGER t AFTER INSERT ON products BEGIN INSERT INTO stats SELECT email FROM customers; END", "TRIGGER"),
    ("CREATE TRIGGER t AFTER INSERT ON products BEGIN INSERT INTO stats SELECT mail FROM v_mail; END", "TRIGGER"),
    ("CREATE INDEX ix ON customers (my_score(email))", "my_score"),
    ("ALTER TABLE customers RENAME TO people", "ALTER TABLE"),
    ("ALTER TABLE customers RENAME COLUMN email TO x", "ALTER TABLE"),
    ("ALTER TABLE customers RENAME email TO x", "ALTER TABLE"),
    ("ALTER TABLE customers ADD COLUMN x TEXT GENERATED ALWAYS AS (email) STORED", "ALTER TABLE"),
    ("SELECT 1; SELECT my_score()", "my_score"),
    ("SELECT 'open FROM customers", "open quote"),
    ('SELECT "" FROM customers', "empty name"),
    ("SELECT \x00 FROM customers", "NUL"),
    ("SELECT email FROM customers \ufeff", "byte order mark"),
    ("SELECT " + "(" * 900 + "1" + ")" * 900, ""),
    ("SELECT 1 -- " + "x" * 1_000_001, "longer"),
    ("FROM customers SELECT email", "FROM"),
    ("DESCRIBE customers", "DESCRIBE"),
    ("GIBBERISH", "GIBBERISH"),
    ("SELECT zqf0(1)", ""),
    ("LOAD 'x'", "LOAD"),
]

SQLITE = [
    ("PRAGMA writable_schema = ON", "writable_schema"),
    ("PRAGMA key = 'x'", "key"),
    ("VACUUM INTO 'copy.db'", "VACUUM INTO"),
    ("ATTACH (SELECT email FROM customers) AS x", "ATTACH"),
    ("SELECT load_extension('x')", "load_extension"),
    ("SELECT readfile('x')", "readfile"),
    ("SELECT * FROM sqlite_stat1", "sqlite_stat1"),
    ("SELECT * FROM dbstat", "dbstat"),
    ("SELECT data FROM sqlite_dbpage", "sqlite_dbpage"),
    ("CREATE VIRTUAL TABLE ft USING fts5(email, content='customers')", "VIRTUAL"),
    ("SELECT $a::b(c)", ""),
    ("REPLACE INTO products (title) SELECT email FROM customers", "customers.email"),
]

POSTGRESQL = [
    ("SELECT query_to_xml('select email from customers', true, true, '')", "query_to_xml"),
    ("SELECT table_to_xml('customers', true, true, '')", "table_to_xml"),
    ("SELECT pg_catalog.query_to_xml('x', true, true, '')", "query_to_xml"),
    ("SELECT database_to_xml(true, true, '')", "database_to_xml"),
    ("SELECT * FROM dblink('x', 'select email from customers') AS t(a text)", "dblink"),
    ("SELECT pg_read_file('x')", "pg_read_file"),
    ("SELECT lo_get(1)", "lo_get"),
    ("SELECT * FROM ts_stat('select name from customers')", "ts_stat"),
    ("DO $$ BEGIN PERFORM 1; END $$", "DO"),
    ("EXECUTE prepared", "EXECUTE"),
    ("PREPARE p AS SELECT email FROM customers", "PREPARE"),
    ("CALL my_procedure()", "my_procedure"),
    ("COPY customers TO STDOUT", "COPY"),
    ("COPY (SELECT email FROM customers) TO STDOUT", "COPY"),
    ("COPY v_mail TO STDOUT", "COPY"),
    ("DECLARE c CURSOR FOR SELECT email FROM customers", "cursor"),
    ("FETCH ALL FROM c", "FETCH"),
    ("SET ROLE postgres", "role"),
    ("SET LOCAL ROLE postgres", "role"),
    ("SET SESSION AUTHORIZATION postgres", "SESSION AUTHORIZATION"),
    ("RESET ROLE", "role"),
    ("SET standard_conforming_strings = off", "standard_conforming_strings"),
    ("SELECT set_config('role', 'postgres', false)", "set_config"),
    ("SELECT set_config('ro' || 'le', 'postgres', false)", "set_config"),
    ('SELECT U&"\\0065mail" FROM customers', "U&"),
    ("SELECT * FROM pg_stats", "pg_stats"),
    ("SELECT * FROM pg_catalog.pg_statistic", "pg_statistic"),
    ("SELECT query FROM pg_stat_activity", "pg_stat_activity"),
    ("SELECT * FROM pg_toast.pg_toast_1234", "pg_toast"),
    ("SELECT rolpassword FROM pg_authid", "pg_authid"),
    ("SELECT p.my_score FROM products p", "my_score"),
    ("SELECT (p).my_score FROM products p", "my_score"),
    ("SELECT t.my_score FROM (SELECT id, email FROM customers) t", "my_score"),
    ("SELECT email INTO copy FROM customers", "SELECT INTO"),
    ("CREATE MATERIALIZED VIEW m AS SELECT email FROM customers", "CREATE"),
    ("CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT email FROM customers $$", "FUNCTION"),
    ("CREATE RULE r AS ON INSERT TO products DO ALSO SELECT email FROM customers", "RULE"),
    ("CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()", "EVENT TRIGGER"),
    ("CREATE PUBLICATION p FOR ALL TABLES", "PUBLICATION"),
    ("ALTER TABLE products ATTACH PARTITION customers DEFAULT", "ATTACH PARTITION"),
    ("ALTER TABLE customers INHERIT products", "INHERIT"),
    ("ALTER TABLE customers ALTER COLUMN tier TYPE text USING email", "ALTER TABLE"),
    ("SELECT id FROM customers WHERE x = 'a%(p)s'", "quotes"),
    ("SELECT id FROM customers /* %(p)s */", "quotes"),
    ('SELECT "a%s" FROM customers', "quotes"),
    ("SELECT E'a'\n'b\\'c' FROM customers", "escapes"),
    ("SELECT email <-> 'x' FROM unknown_thing", "unknown_thing"),
    ("SELECT JSON_TABLE(name, '$' COLUMNS (x int PATH '$')) FROM customers", ""),
]


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.parametrize(("sql", "named"), BOTH)
def test_what_cannot_be_read_is_refused(sql: str, named: str, dialect: str) -> None:
    refused(sql, named, dialect)


@pytest.mark.parametrize(("sql", "named"), SQLITE)
def test_what_cannot_be_read_on_sqlite_is_refused(sql: str, named: str) -> None:
    refused(sql, named, "sqlite")


@pytest.mark.parametrize(("sql", "named"), POSTGRESQL)
def test_what_cannot_be_read_on_postgresql_is_refused(sql: str, named: str) -> None:
    refused(sql, named, "postgresql")


def refused(sql: str, named: str, dialect: str) -> None:
    with pytest.raises(UnreadableStatement) as caught:
        judge(sql, dialect)
    assert named.lower() in caught.value.message.lower()
    assert caught.value.hint


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT my_score('secret-value') FROM customers",
        "SELECT * FROM unknown_thing WHERE a = 'secret-value'",
        "INSERT INTO products (title) SELECT email || 'secret-value' FROM customers",
        "SELECT 'secret-value' FROM FROM WHERE",
        "SELECT ( 'secret-value'",
        "UPDATE customers SET phone = email || 'secret-value'",
    ],
)
def test_a_refusal_repeats_no_literal(sql: str, dialect: str) -> None:
    with pytest.raises(UnreadableStatement) as caught:
        judge(sql, dialect)
    chain = f"{caught.value} {caught.value.__cause__} {caught.value.__context__ if not caught.value.__suppress_context__ else ''}"
    assert "secret" not in chain


def test_a_declared_function_reads_what_it_was_declared_to_touch() -> None:
    footprint = judge("SELECT app.score(1)", "postgresql", functions={"app.score": columns("birthday")})
    assert footprint.reads == columns("birthday")


def test_the_declaration_of_one_schema_is_not_that_of_another() -> None:
    with pytest.raises(UnreadableStatement):
        judge("SELECT score(1)", "postgresql", functions={"app.score": columns("birthday")})
    with pytest.raises(UnreadableStatement):
        judge("SELECT other.score(1)", "postgresql", functions={"app.score": columns("birthday")})


def test_functions_that_run_sql_cannot_be_declared() -> None:
    with pytest.raises(UnreadableStatement):
        judge("SELECT query_to_xml('x')", "postgresql", functions={"query_to_xml": frozenset()})


def test_a_declared_view_shows_what_it_was_declared_to_show() -> None:
    footprint = judge("SELECT a FROM unknown_thing WHERE b = 1", views={"unknown_thing": columns("email")})
    assert footprint.reads == columns("email")


def test_a_declared_view_does_not_hide_a_protected_table_of_its_name() -> None:
    assert judge("SELECT email FROM customers", views={"customers": frozenset()}).reads == columns("email")


def test_a_declared_statement_is_known_by_its_shape() -> None:
    from sa_privacy.footprint import Footprint, fingerprint

    declared = Footprint(reads=columns("email"))
    statements = {fingerprint("SELECT my_report(1)", "sqlite"): declared}
    assert judge("SELECT my_report(2)", statements=statements) is declared


def test_without_a_database_to_ask_only_mapped_tables_are_known() -> None:
    assert judge("SELECT id FROM products", relations=Nobody()).reads == frozenset()
    with pytest.raises(UnreadableStatement):
        judge("SELECT id FROM stats", relations=Nobody())


def test_a_search_path_is_refused_where_it_could_change_the_meaning_of_a_name() -> None:
    from sa_privacy.columns.catalogue import Catalogue
    from tests.footprint.shop import table

    twice = Catalogue((table("people", "id name", {"name": True}, None, "crm"),), frozenset({(None, "people")}))
    with pytest.raises(UnreadableStatement, match="search_path"):
        judge("SET search_path TO crm", "postgresql", catalogue=twice)
