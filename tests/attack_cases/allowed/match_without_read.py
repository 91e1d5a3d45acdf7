"""A purpose that may match e-mail addresses and not read them."""

sql = "SELECT id FROM customers WHERE email <> 'nobody@example.com' ORDER BY id"
purposes = ("sign_in",)
expect = [(1,), (2,), (3,)]
