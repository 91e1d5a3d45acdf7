"""A view over the table, with harmless names."""

path = "views, named anew or changed"
ends = "refused"
prepare = (
    "CREATE VIEW catalogue AS SELECT id, email AS title FROM customers",
    "CREATE VIEW deeper AS SELECT title AS heading FROM catalogue WHERE id > 0",
    "CREATE VIEW unioned AS SELECT title FROM products UNION ALL SELECT email FROM customers",
)
sql = (
    "SELECT title FROM catalogue",
    "SELECT heading FROM deeper",
    "SELECT * FROM deeper",
    "SELECT title FROM unioned",
    "SELECT (SELECT max(heading) FROM deeper)",
    'SELECT "heading" FROM "deeper"',
)
