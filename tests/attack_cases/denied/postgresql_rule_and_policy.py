"""A rule or a row policy slips a second statement or a probe under an innocent one."""

path = "rules and row policies"
ends = "refused"
backends = ("postgresql",)
refused = True
sql = (
    (
        "CREATE RULE slip AS ON UPDATE TO products DO ALSO "
        "UPDATE notes SET body = (SELECT email FROM customers WHERE id = 1)"
    ),
    "CREATE POLICY peek ON products USING (id IN (SELECT id FROM customers WHERE email LIKE 'a%'))",
)
