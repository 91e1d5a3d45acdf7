"""Comments in odd places, quoted and odd-cased names."""

path = "comments and odd quoting"
ends = "refused"
sql = (
    "SELECT/**/email/*x*/FROM/**/customers",
    "SELECT -- nothing to see\n email -- here\n FROM customers",
    'SELECT "email" FROM "customers"',
    "SeLeCt EMAIL FrOm Customers",
    'SELECT c."email" FROM customers AS c',
    'SELECT "c"."email" FROM customers AS "c"',
)
