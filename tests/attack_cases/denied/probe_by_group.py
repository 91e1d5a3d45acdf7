"""Groups and DISTINCT tell how many values there are."""

path = "GROUP BY, DISTINCT"
ends = "refused"
refused = True
sql = (
    "SELECT count(*) FROM customers GROUP BY birthday",
    "SELECT count(DISTINCT email) FROM customers",
    "SELECT DISTINCT email IS NULL FROM customers",
    "SELECT tier FROM customers GROUP BY tier HAVING count(points) > 1",
    "SELECT tier, sum(points) FROM customers GROUP BY tier",
    "SELECT count(*) FILTER (WHERE email LIKE 'a%') FROM customers",
    "SELECT count(*) FROM customers WHERE birthday IS NOT NULL",
    "SELECT count(*) FROM (SELECT DISTINCT points FROM customers) AS x",
)
