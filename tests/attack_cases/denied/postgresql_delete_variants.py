"""TRUNCATE, DELETE USING, and a cascade from a table of nobody's."""

path = "DELETE, TRUNCATE"
ends = "refused"
backends = ("postgresql",)
sql = (
    "TRUNCATE orders",
    "TRUNCATE TABLE ONLY orders, vips RESTART IDENTITY",
    "TRUNCATE products CASCADE",
    "DELETE FROM orders USING products WHERE products.id = orders.product_id",
    "MERGE INTO orders USING products ON orders.product_id = products.id WHEN MATCHED THEN DELETE",
)
