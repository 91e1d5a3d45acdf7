"""What a migration does: columns, indexes, constraints, renames on plain tables."""

from tests.attack_cases.case import Case


def work(case: Case) -> object:
    for sql in (
        "CREATE TABLE tags (id INTEGER PRIMARY KEY, label VARCHAR(20) NOT NULL DEFAULT 'new')",
        "ALTER TABLE tags ADD COLUMN weight INTEGER DEFAULT 0",
        "CREATE UNIQUE INDEX by_label ON tags (lower(label)) WHERE weight > 0",
        "ALTER TABLE tags RENAME COLUMN weight TO heft",
        "ALTER TABLE tags RENAME TO labels",
        "CREATE INDEX by_tier ON customers (tier)",
        "ALTER TABLE customers ADD COLUMN visits INTEGER",
        "CREATE VIEW cheap AS SELECT id, title FROM products WHERE price < 30",
        "INSERT INTO labels (id) VALUES (1)",
    ):
        case.rows(sql)
    found = case.rows("SELECT label, heft FROM labels"), case.rows("SELECT title FROM cheap")
    for sql in (
        "DROP VIEW cheap",
        "DROP TABLE labels",
        "DROP INDEX by_tier",
        "ALTER TABLE customers DROP COLUMN visits",
    ):
        case.rows(sql)
    return found


expect = ([("new", 0)], [("Umbrella",)])
