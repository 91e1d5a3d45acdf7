"""Window functions, frames and FILTER hand the column on."""

path = "windows, filters, aggregates"
ends = "refused"
sql = (
    "SELECT first_value(email) OVER (ORDER BY id) FROM customers",
    "SELECT lag(email) OVER w FROM customers WINDOW w AS (ORDER BY id)",
    "SELECT max(email) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM customers",
    "SELECT nth_value(email, 2) OVER (ORDER BY id RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM customers",
    "SELECT max(email) FILTER (WHERE id = 1) FROM customers",
    "SELECT id, row_number() OVER (ORDER BY email) FROM customers",
    "SELECT id, count(*) OVER (PARTITION BY email) FROM customers",
    "SELECT sum(id) FILTER (WHERE email LIKE 'email-%') FROM customers",
)
refused = True
