"""MERGE brings the column into a plain table, or lets it decide what happens to one."""

path = "UPDATE FROM, MERGE"
ends = "refused"
backends = ("postgresql",)
sql = (
    "MERGE INTO notes n USING customers c ON n.id = c.id + 100 WHEN NOT MATCHED THEN INSERT (id, body) VALUES (c.id + 100, c.email)",
    "MERGE INTO notes n USING customers c ON n.id = c.id WHEN MATCHED THEN UPDATE SET body = c.email",
    "MERGE INTO products p USING customers c ON p.id = c.id AND c.email LIKE 'email-%' WHEN MATCHED THEN UPDATE SET price = p.price",
    "MERGE INTO products p USING customers c ON p.id = c.id WHEN MATCHED AND c.points > 5 THEN UPDATE SET price = p.price",
)
refused = True
