"""A CTE named like the table, made from the table."""

path = "names that hide other names"
ends = "refused"
backends = ("postgresql",)
sql = (
    "WITH customers AS (SELECT email AS tier FROM customers) SELECT tier FROM customers",
    "WITH customers AS (SELECT email AS tier FROM public.customers) SELECT tier FROM customers",
    "WITH products AS (TABLE customers) SELECT email FROM products",
)
