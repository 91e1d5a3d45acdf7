"""The statements that make the tables, and those that keep their rows from being changed."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Dialect
from sqlalchemy.schema import CreateIndex, CreateTable

from sa_privacy.accesslog.sinks.schema import Schema

__all__ = ["advice", "append_only", "one_at_a_time", "statements"]


def statements(schema: Schema, dialect: Dialect) -> list[str]:
    """All statements that make the log's tables, in order; each does nothing where its work is done."""
    made = []
    for table in schema.all:
        made.append(str(CreateTable(table, if_not_exists=True).compile(dialect=dialect)).strip())
        made += [
            str(CreateIndex(index, if_not_exists=True).compile(dialect=dialect)).strip()
            for index in sorted(table.indexes, key=lambda index: str(index.name))
        ]
    return made + list(append_only(schema, dialect))


def one_at_a_time(schema: Schema) -> str:
    """For PostgreSQL: waits until nobody else makes these tables, to the end of the transaction."""
    return f"SELECT pg_advisory_xact_lock(hashtext({_literal(schema.name)}), 4)"


def append_only(schema: Schema, dialect: Dialect) -> Iterator[str]:
    """Triggers that refuse UPDATE and DELETE (on PostgreSQL TRUNCATE too) of all but how far segments were shipped.

    They stop a mistake, and whoever has no more than rights on the rows. They do not stop the owner of the tables, who may
    drop the trigger or a month, or a superuser; nor on SQLite anyone who can write the file, and INSERT OR REPLACE: for
    those the chain is there, and heads kept elsewhere.
    """
    if dialect.name == "sqlite":
        quote = dialect.identifier_preparer.quote_identifier
        for table in schema.append_only:
            for verb in ("UPDATE", "DELETE"):
                yield (
                    f"CREATE TRIGGER IF NOT EXISTS {quote(f'{table.name}_no_{verb.lower()}')} BEFORE {verb} ON "
                    f"{quote(table.name)} BEGIN SELECT RAISE(ABORT, 'the access log is append-only'); END"
                )
    elif dialect.name == "postgresql":
        yield from _postgresql(schema, dialect)


def _postgresql(schema: Schema, dialect: Dialect) -> Iterator[str]:
    prepare = dialect.identifier_preparer
    refuse, month = (_qualified(schema, dialect, f"{schema.name}_{what}") for what in ("refuse", "month"))
    yield f"""\
CREATE OR REPLACE FUNCTION {refuse}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the access log is append-only: % on % is refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END $$"""
    for table in schema.append_only:
        on = prepare.format_table(table)
        yield _trigger("append_only", on, "BEFORE UPDATE OR DELETE ON TABLE FOR EACH ROW", refuse)
        yield _trigger("no_truncate", on, "BEFORE TRUNCATE ON TABLE FOR EACH STATEMENT", refuse)
    # Attached, not created in place: that waits for no reader and no writer. Runs as the owner of the tables, so that
    # whoever inserts needs no right to make or drop any.
    yield f"""\
CREATE OR REPLACE FUNCTION {month}(first date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  here CONSTANT name := {_literal(str(schema.schema))};
  parent text;
  part text;
BEGIN
  IF first <> date_trunc('month', first)::date THEN
    RAISE EXCEPTION 'not the first day of a month';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext({_literal(schema.name)}), 5);
  FOREACH parent IN ARRAY ARRAY[{", ".join(_literal(table.name) for table in schema.by_month)}] LOOP
    part := parent || to_char(first, '_YYYY_MM');
    CONTINUE WHEN EXISTS (SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                          WHERE i.inhparent = format('%I.%I', here, parent)::regclass AND c.relname = part);
    EXECUTE format('CREATE TABLE %I.%I (LIKE %I.%I INCLUDING ALL)', here, part, here, parent);
    EXECUTE format('ALTER TABLE %I.%I ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)', here, parent, here, part,
                   first::text || ' 00:00:00+00', (first + interval '1 month')::date::text || ' 00:00:00+00');
    EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %I.%I FOR EACH STATEMENT EXECUTE FUNCTION %I.%I()',
                   here, part, here, {_literal(f"{schema.name}_refuse")});
  END LOOP;
END $$"""
    yield f"REVOKE ALL ON FUNCTION {month}(date) FROM PUBLIC"


def _trigger(name: str, on: str, said: str, function: str) -> str:
    return f"""\
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = {_literal(on)}::regclass AND tgname = {_literal(name)}) THEN
    CREATE TRIGGER {name} {said.replace("ON TABLE", f"ON {on}")} EXECUTE FUNCTION {function}();
  END IF;
END $$"""


def _qualified(schema: Schema, dialect: Dialect, name: str) -> str:
    quote = dialect.identifier_preparer.quote_identifier
    return f"{quote(schema.schema)}.{quote(name)}" if schema.schema else quote(name)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def advice(schema: Schema, dialect: Dialect) -> str:
    """What to grant to whom, for those who run the database."""
    if dialect.name != "postgresql":
        return (
            "-- The triggers refuse UPDATE and DELETE; whoever can write the file can still replace it. Let a user of its own\n"
            "-- own the file, and keep signed checkpoints elsewhere."
        )
    prepare = dialect.identifier_preparer
    events, *others, shipped = (prepare.format_table(table) for table in schema.all)
    kept = ", ".join((events, *others))
    month = _qualified(schema, dialect, f"{schema.name}_month")
    return f"""\
-- Make the tables as a role that nobody logs in with. Grant to the shipper, or to the application that logs here, this
-- and no more; it then can neither change nor remove an event, nor drop the triggers or a month:
--   GRANT SELECT, INSERT ON {kept} TO shipper;
--   GRANT SELECT, INSERT, UPDATE ON {shipped} TO shipper;
--   GRANT EXECUTE ON FUNCTION {month}(date) TO shipper;
--   GRANT SELECT ON {kept} TO auditor;
-- The triggers do not stop the owner (who may drop them, or a month) or a superuser: keep signed checkpoints elsewhere.
-- A month that may go: ALTER TABLE {events} DETACH PARTITION ...; then DROP it, and the same of {" and ".join(others[:-1])}."""
