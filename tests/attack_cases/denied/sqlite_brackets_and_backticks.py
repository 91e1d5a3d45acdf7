"""SQLite's other quotes: brackets, backticks, and strings where a name may stand."""

path = "comments and odd quoting"
ends = "refused"
backends = ("sqlite",)
sql = (
    "SELECT [email] FROM [customers]",
    "SELECT `email` FROM `customers`",
    "SELECT email FROM 'customers'",
    "SELECT 'customers'.email FROM customers",
    'SELECT "EMAIL" FROM "Customers"',
    "SELECT main.customers.email FROM main.customers",
)
