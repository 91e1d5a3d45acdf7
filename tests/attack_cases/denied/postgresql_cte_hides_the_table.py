"""A CTE with the table's own name, made from the table."""

path = "names that hide other names"
ends = "refused"
backends = ("postgresql",)
sql = "WITH customers AS (SELECT email AS tier FROM customers) SELECT tier FROM customers"
