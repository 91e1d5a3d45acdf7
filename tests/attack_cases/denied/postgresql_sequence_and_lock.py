"""A sequence, a lock or a setting takes the value in, to be looked at afterwards."""

path = "functions that run or read a string"
ends = "refused"
backends = ("postgresql",)
sql = (
    "SELECT setval('products_id_seq', points) FROM customers WHERE id = 1",
    "SELECT pg_advisory_lock(points) FROM customers WHERE id = 1",
    "SELECT set_config('app.seen', email, false) FROM customers WHERE id = 1",
    "SELECT setseed(1.0 / points) FROM customers",
    "SELECT nextval('products_id_seq') FROM customers WHERE email LIKE 'email-%'",
)
refused = True
