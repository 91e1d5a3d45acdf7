"""Table functions and pragma functions that show the column or what is kept of it."""

path = "modules and search tables"
ends = "refused"
backends = ("sqlite",)
sql = (
    "SELECT j.value FROM customers AS c, json_each(json_array(c.email)) AS j",
    "SELECT j.atom FROM customers AS c, json_tree(json_object('a', c.email)) AS j",
    "SELECT value FROM json_each((SELECT json_group_array(email) FROM customers))",
    "SELECT json_extract(profile, '$.size') FROM customers",
    "SELECT profile ->> 'size' FROM customers",
    "SELECT group_concat(email) FROM customers",
    "SELECT hex(email) FROM customers",
    "SELECT printf('%s', email) FROM customers",
)
