"""A view of a view of a view, the last of them harmless in name."""

path = "views, named anew or changed"
ends = "refused"
prepare = (
    "CREATE VIEW one AS SELECT id, email AS a FROM customers",
    "CREATE VIEW two AS SELECT id, a AS b FROM one",
    "CREATE VIEW three AS SELECT id, upper(b) AS title FROM two",
)
sql = (
    "SELECT title FROM three",
    "SELECT t.title FROM three AS t JOIN products AS p ON p.id = t.id",
    "WITH x AS (SELECT * FROM three) SELECT title FROM x",
    "SELECT id FROM three ORDER BY title",
    "SELECT count(*) FROM three WHERE title LIKE 'A%'",
)
refused = True
