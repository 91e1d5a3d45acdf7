"""SQL text, and what it touches. Each row is a statement and what must be said of it."""

from __future__ import annotations

import pytest

from tests.footprint.shop import expected, judge, sides

# Statements that mean the same on both databases. Columns without a prefix are those of customers; ALL is all of them.
BOTH = [
    # nothing personal
    ("SELECT 1", ""),
    ("", ""),
    ("-- only a comment", ""),
    ("SELECT id, title FROM products WHERE price > 5 ORDER BY title", ""),
    ("SELECT id, tier FROM customers", ""),
    ("SELECT count(*) FROM customers", ""),
    ("SELECT count(*) FROM customers WHERE tier = 'gold'", ""),
    ("SELECT tier, count(*) FROM customers GROUP BY tier HAVING count(*) > 3", ""),
    ("SELECT 'email' FROM customers", ""),
    ("SELECT id FROM customers -- email", ""),
    ("SELECT id /* email */ FROM customers", ""),
    ("SELECT * FROM products", ""),
    ("SELECT * FROM visits", ""),
    ("INSERT INTO products (title) VALUES ('email')", ""),
    ("UPDATE customers SET tier = 'gold' WHERE id = 5", ""),
    ("SELECT total FROM orders WHERE customer_id = 7", ""),
    # bare reads
    ("SELECT email FROM customers", "read email"),
    ("SELECT EMAIL FROM CUSTOMERS", "read email"),
    ("SELECT customers.email FROM customers", "read email"),
    ("SELECT c.email FROM customers c", "read email"),
    ("SELECT c.email FROM customers AS c", "read email"),
    ('SELECT "c"."email" FROM "customers" AS "c"', "read email"),
    ("SELECT email, phone FROM customers WHERE id = 1", "read email phone"),
    ("SELECT (email) FROM customers", "read email"),
    ("SELECT ((email)) AS x FROM (customers)", "read email"),
    ("SELECT * FROM customers", "read ALL"),
    ("SELECT customers.* FROM customers, products", "read ALL"),
    ("SELECT c.*, p.title FROM customers c JOIN products p ON p.id = c.id", "read ALL"),
    ("SELECT products.* FROM customers, products", ""),
    ("SELECT phone FROM crm.contacts", "read p.phone"),
    ("SELECT crm.contacts.phone FROM crm.contacts", "read p.phone"),
    ("SELECT phone FROM other.contacts", "read p.phone"),
    ("SELECT phone FROM contacts", "read p.phone"),
    ("SELECT email FROM any_schema.customers", "read email"),
    ('SELECT "FullName" FROM "Guests"', "read g.FullName"),
    ('SELECT "fullname" FROM "guests"', "read g.FullName"),
    ("SELECT FullName FROM Guests", "read g.FullName"),
    # expressions
    ("SELECT lower(email) FROM customers", "read email; inside email"),
    ("SELECT email || 'x' FROM customers", "read email; inside email"),
    ("SELECT name || ' ' || phone || ' ' || tier FROM customers", "read name phone; inside name phone"),
    ("SELECT count(email) FROM customers", "read email; inside email"),
    ("SELECT count(DISTINCT email) FROM customers", "read email; inside email"),
    ("SELECT max(birthday) FROM customers", "read birthday; inside birthday"),
    ("SELECT coalesce(phone, '-') FROM customers", "read phone; inside phone"),
    ("SELECT CAST(email AS VARCHAR(20)) FROM customers", "read email; inside email"),
    ("SELECT CASE WHEN tier = 'x' THEN email ELSE phone END FROM customers", "read email phone; inside email phone"),
    ("SELECT email = 'x' FROM customers", "read email; inside email"),
    ("SELECT email IS NULL FROM customers", "read email"),
    ("SELECT sum(length(name)) FROM customers", "read name; inside name"),
    ("SELECT replace(replace(name, 'a', 'b'), tier, phone) FROM customers", "read name phone; inside name phone"),
    ("SELECT substr(email, 2, 3) FROM customers", "read email; inside email"),
    # matches
    ("SELECT id FROM customers WHERE email = 'x'", "match email; inside email"),
    ("SELECT id FROM customers WHERE email IS NULL", "match email"),
    ("SELECT id FROM customers WHERE email IS NOT NULL", "match email"),
    ("SELECT id FROM customers WHERE NOT (email IS NULL)", "match email"),
    ("SELECT id FROM customers WHERE lower(email) IS NULL", "match email; inside email"),
    ("SELECT id FROM customers WHERE email IN ('a', 'b')", "match email; inside email"),
    (
        "SELECT id FROM customers WHERE email NOT LIKE '%x' AND phone BETWEEN '1' AND '2'",
        "match email phone; inside email phone",
    ),
    ("SELECT id FROM customers WHERE tier = 'x' OR name > 'y'", "match name; inside name"),
    ("SELECT id FROM customers ORDER BY name", "match name; inside name"),
    ("SELECT id FROM customers ORDER BY lower(name) DESC", "match name; inside name"),
    ("SELECT name FROM customers ORDER BY 1", "read name; match name; inside name"),
    ("SELECT id, name FROM customers ORDER BY 1", "read name"),
    ("SELECT name AS n FROM customers ORDER BY n", "read name; match name; inside name"),
    ("SELECT id FROM customers GROUP BY segment", "match segment; inside segment"),
    ("SELECT segment, count(*) FROM customers GROUP BY 1", "read segment; match segment; inside segment"),
    ("SELECT id FROM customers GROUP BY id HAVING max(phone) > 'x'", "match phone; inside phone"),
    ("SELECT DISTINCT segment FROM customers", "read segment; match segment; inside segment"),
    ("SELECT DISTINCT tier FROM customers", ""),
    ("SELECT DISTINCT id, email FROM customers", "read email"),
    (
        "SELECT DISTINCT c.id, c.name, o.note FROM customers c JOIN orders o ON o.customer_id = c.id",
        "read name o.note; match o.note; inside o.note",
    ),
    ("SELECT DISTINCT o.id, o.customer_id, o.note FROM orders o", "read o.note"),
    ("SELECT DISTINCT o.customer_id, o.note FROM orders o", "read o.note; inside o.note"),
    ("SELECT id FROM customers LIMIT (SELECT count(email) FROM customers)", "match email; inside email"),
    # windows
    (
        "SELECT row_number() OVER (PARTITION BY segment ORDER BY birthday) FROM customers",
        "match segment birthday; inside segment birthday",
    ),
    ("SELECT lag(email) OVER (ORDER BY id) FROM customers", "read email; inside email"),
    ("SELECT sum(id) OVER w FROM customers WINDOW w AS (PARTITION BY name)", "match name; inside name"),
    ("SELECT count(*) FILTER (WHERE email = 'x') FROM customers", "match email; inside email"),
    (
        "SELECT avg(id) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM customers",
        "",
    ),
    # joins
    ("SELECT o.total FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.tier = 'x'", ""),
    ("SELECT 1 FROM customers c JOIN orders o ON o.note = c.name", "match name o.note; inside name o.note"),
    (
        "SELECT o.id FROM customers c, orders o WHERE c.id = o.customer_id AND c.phone = o.note",
        "match phone o.note; inside phone o.note",
    ),
    (
        "SELECT c.id FROM customers c LEFT JOIN crm.contacts p USING (phone)",
        "match phone p.phone; inside phone p.phone",
    ),
    ("SELECT c.id FROM customers c NATURAL JOIN crm.contacts p", "match phone p.phone; inside phone p.phone"),
    ("SELECT a.email, b.phone FROM customers a JOIN customers b ON a.id = b.id", "read email phone"),
    ("SELECT c.email FROM (customers c JOIN orders o ON o.customer_id = c.id)", "read email"),
    (
        "SELECT o.note FROM customers c LEFT JOIN (orders o JOIN products p ON p.id = o.id) ON o.customer_id = c.id",
        "read o.note",
    ),
    ("SELECT * FROM products CROSS JOIN orders", "read o.note"),
    # derived tables: what is named counts, used or not
    ("SELECT x FROM (SELECT email AS x FROM customers) t", "read email"),
    ("SELECT t.x FROM (SELECT email x, phone y FROM customers) AS t", "read email phone"),
    ("SELECT 1 FROM (SELECT email FROM customers) t", "read email"),
    ("SELECT lower(x) FROM (SELECT email AS x FROM customers) t", "read email; inside email"),
    ("SELECT id FROM (SELECT id, email AS x FROM customers) t WHERE x = 'y'", "read email; match email; inside email"),
    ("SELECT * FROM (SELECT id, email FROM customers) t", "read email"),
    ("SELECT t.* FROM (SELECT * FROM customers) t", "read ALL"),
    (
        "SELECT z FROM (SELECT y AS z FROM (SELECT email AS y FROM customers) a) b ORDER BY z",
        "read email; match email; inside email",
    ),
    ("SELECT id FROM (SELECT id FROM customers WHERE email = 'x') t", "match email; inside email"),
    (
        "SELECT t.id FROM (SELECT id, lower(email) AS l FROM customers) t WHERE t.l IS NULL",
        "read email; match email; inside email",
    ),
    # scalar subqueries, EXISTS, IN
    ("SELECT (SELECT email FROM customers WHERE customers.id = orders.customer_id) FROM orders", "read email"),
    ("SELECT lower((SELECT email FROM customers LIMIT 1)) FROM products", "read email; inside email"),
    ("SELECT id FROM products WHERE title = (SELECT email FROM customers LIMIT 1)", "match email; inside email"),
    ("SELECT id FROM products p WHERE EXISTS (SELECT 1 FROM customers c WHERE c.id = p.id)", ""),
    ("SELECT id FROM products p WHERE EXISTS (SELECT email FROM customers c WHERE c.id = p.id)", "match email"),
    (
        "SELECT id FROM products p WHERE EXISTS (SELECT 1 FROM customers WHERE email = p.title)",
        "match email; inside email",
    ),
    (
        "SELECT id FROM customers c WHERE EXISTS (SELECT 1 FROM products WHERE title = c.email)",
        "match email; inside email",
    ),
    ("SELECT id FROM customers WHERE EXISTS (SELECT 1 FROM products WHERE title = email)", "match email; inside email"),
    ("SELECT id FROM products WHERE title IN (SELECT email FROM customers)", "match email; inside email"),
    (
        "SELECT id FROM customers WHERE id IN (SELECT customer_id FROM orders WHERE note = 'x')",
        "match o.note; inside o.note",
    ),
    (
        "SELECT id FROM customers WHERE (name, phone) IN (SELECT title, title FROM products)",
        "match name phone; inside name phone",
    ),
    (
        "SELECT (SELECT max(o.id) FROM orders o WHERE o.note = c.name) FROM customers c",
        "match name o.note; inside name o.note",
    ),
    ("SELECT id FROM orders WHERE note = (SELECT note FROM products LIMIT 1)", "match o.note; inside o.note"),
    # WITH
    ("WITH x AS (SELECT email FROM customers) SELECT email FROM x", "read email"),
    ("WITH x AS (SELECT email FROM customers) SELECT 1", "read email"),
    (
        "WITH x (a) AS (SELECT email FROM customers) SELECT a FROM x WHERE a = 'y'",
        "read email; match email; inside email",
    ),
    ("WITH x AS (SELECT id FROM customers), y AS (SELECT id FROM x) SELECT id FROM y", ""),
    (
        "WITH x AS (SELECT email AS e FROM customers), y AS (SELECT e AS f FROM x) SELECT upper(f) FROM y",
        "read email; inside email",
    ),
    ("WITH products AS (SELECT email AS title FROM customers) SELECT title FROM products", "read email"),
    ("WITH customers AS (SELECT 1 AS email) SELECT email FROM customers", ""),
    (
        (
            "WITH RECURSIVE t(n, e) AS (SELECT 1, email FROM customers UNION ALL SELECT n + 1, e FROM t WHERE n < 3) "
            "SELECT e FROM t"
        ),
        "read email",
    ),
    (
        (
            "WITH RECURSIVE t(n, a, b, d) AS (SELECT 1, email, 'x', 'x' FROM customers "
            "UNION ALL SELECT n + 1, d, a, b FROM t WHERE n < 9) SELECT lower(d) FROM t"
        ),
        "read email; inside email",
    ),
    (
        (
            "WITH RECURSIVE t(id, name) AS (SELECT id, name FROM customers WHERE id = 1 "
            "UNION ALL SELECT c.id, c.name FROM customers c JOIN t ON c.id = t.id + 1) SELECT name FROM t ORDER BY id"
        ),
        "read name",
    ),
    (
        "SELECT id FROM products WHERE id IN (WITH x AS (SELECT id, email FROM customers) SELECT id FROM x)",
        "read email",
    ),
    # set operations
    ("SELECT email FROM customers UNION ALL SELECT title FROM products", "read email"),
    ("SELECT title FROM products UNION SELECT email FROM customers", "read email; match email; inside email"),
    ("SELECT email FROM customers EXCEPT SELECT title FROM products", "read email; match email; inside email"),
    ("SELECT email FROM customers INTERSECT SELECT title FROM products", "read email; match email; inside email"),
    ("SELECT id, email FROM customers WHERE id = 1 UNION SELECT id, email FROM customers WHERE id = 2", "read email"),
    (
        "SELECT id, email FROM customers UNION SELECT id, phone FROM customers",
        "read email phone; match email phone; inside email phone",
    ),
    (
        "SELECT e FROM (SELECT email AS e FROM customers UNION ALL SELECT title FROM products) t WHERE e = 'x'",
        "read email; match email; inside email",
    ),
    (
        "SELECT title FROM products UNION ALL SELECT email FROM customers ORDER BY 1",
        "read email; match email; inside email",
    ),
    (
        "SELECT title AS t FROM products UNION ALL SELECT email FROM customers ORDER BY t",
        "read email; match email; inside email",
    ),
    ("SELECT * FROM customers UNION ALL SELECT * FROM customers", "read ALL"),
    ("VALUES (1, 2), (3, 4)", ""),
    ("SELECT * FROM (VALUES (1), (2)) AS v", ""),
    # writes
    ("INSERT INTO customers (name, email) VALUES ('a', 'b')", "write name email"),
    ('INSERT INTO "customers" ("name") VALUES (NULL)', "write name"),
    ("INSERT INTO customers VALUES (1, 'a', 'b', 'c', 'd', 'e', 'f')", "write ALL"),
    ("INSERT INTO customers (id, tier) VALUES (1, 'x')", ""),
    ("INSERT INTO customers DEFAULT VALUES", ""),
    ("INSERT INTO customers (name) VALUES (lower('A')) RETURNING id", "write name"),
    ("INSERT INTO customers (name) VALUES ('A') RETURNING id, email", "read email; write name"),
    ("INSERT INTO customers (name) VALUES ('A') RETURNING *", "read ALL; write name"),
    ("INSERT INTO customers (tier) SELECT title FROM products", ""),
    ("INSERT INTO customers (name) SELECT title FROM products", "write name"),
    ("INSERT INTO products (title) SELECT tier FROM customers WHERE email = 'x'", "match email; inside email"),
    ("INSERT INTO copies (segment) SELECT segment FROM customers", "read segment; write k.segment; inside segment"),
    (
        "INSERT INTO customers (id, email) VALUES (1, 'x') ON CONFLICT (email) DO NOTHING",
        "match email; write email; inside email",
    ),
    (
        "INSERT INTO customers (id, email) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET email = excluded.email",
        "write email",
    ),
    (
        "INSERT INTO customers (id, email) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = 'y' WHERE customers.phone = 'z'",
        "match phone; write email name; inside phone",
    ),
    (
        "INSERT INTO customers (id, segment) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET segment = customers.segment || excluded.segment",
        "match segment; write segment; inside segment",
    ),
    ("INSERT INTO products (title) VALUES ((SELECT tier FROM customers WHERE name = 'x'))", "match name; inside name"),
    ("UPDATE customers SET email = 'x' WHERE id = 1", "write email"),
    ("UPDATE customers SET email = 'x', tier = 'y' WHERE name = 'z'", "match name; write email; inside name"),
    ("UPDATE customers SET (name, phone) = ('a', 'b')", "write name phone"),
    ("UPDATE customers SET segment = upper(segment)", "match segment; write segment; inside segment"),
    ("UPDATE customers SET tier = tier || 'x' RETURNING email", "read email"),
    ("UPDATE customers AS c SET name = 'x' WHERE c.phone IS NULL", "match phone; write name"),
    (
        "UPDATE customers SET name = o.total FROM orders o WHERE o.customer_id = customers.id AND o.note = 'x'",
        "match o.note; write name; inside o.note",
    ),
    (
        "UPDATE products SET title = 'x' WHERE id IN (SELECT id FROM customers WHERE email = 'y')",
        "match email; inside email",
    ),
    ("DELETE FROM customers", "delete customers"),
    ("DELETE FROM customers WHERE email = 'x'", "match email; delete customers; inside email"),
    ("DELETE FROM customers WHERE id = 1 RETURNING name", "read name; delete customers"),
    ("DELETE FROM products WHERE title IN (SELECT name FROM customers)", "match name; inside name"),
    ("DELETE FROM visits WHERE id = 1", ""),
    (
        "DELETE FROM orders WHERE customer_id IN (SELECT id FROM customers WHERE birthday < '2000-01-01')",
        "match birthday; delete orders; inside birthday",
    ),
    (
        "WITH x AS (SELECT id FROM customers WHERE name = 'a') DELETE FROM orders WHERE customer_id IN (SELECT id FROM x)",
        "match name; delete orders; inside name",
    ),
    # several statements at once
    ("SELECT 1; SELECT email FROM customers", "read email"),
    ("SELECT 1;;; UPDATE customers SET name = 'x'; DELETE FROM orders;", "write name; delete orders"),
    ("SELECT ';' ; SELECT phone FROM customers", "read phone"),
    # views
    ("SELECT mail FROM v_mail", "read email name; inside name"),
    ("SELECT id FROM v_mail", "read email name; inside name"),
    ("SELECT upper(mail) FROM v_mail", "read email name; inside name email"),
    ("SELECT mail FROM v_deep WHERE mail = 'x'", "read email name; match email; inside name email"),
    ("SELECT address FROM v_named", "read email"),
    ("SELECT x FROM v_made ORDER BY x", "read segment; match segment; inside segment"),
    ("SELECT y FROM v_made", "read segment"),
    ("SELECT title FROM v_plain", ""),
    ("SELECT phone FROM mapped_view", "read p.phone"),
    # other statements
    ("BEGIN", ""),
    ("COMMIT", ""),
    ("ROLLBACK TO SAVEPOINT sp_1", ""),
    ("SAVEPOINT sp_1", ""),
    ("RELEASE SAVEPOINT sp_1", ""),
    ("CREATE TABLE t (id INTEGER PRIMARY KEY, email TEXT)", ""),
    ("CREATE TABLE t AS SELECT id, tier FROM customers", ""),
    ("CREATE INDEX ix ON customers (lower(email))", ""),
    ("CREATE VIEW v AS SELECT title FROM products", ""),
    ("DROP TABLE customers", ""),
    ("ALTER TABLE customers ADD COLUMN x TEXT", ""),
    ("ALTER TABLE customers RENAME COLUMN tier TO level", ""),
    ("ALTER TABLE products RENAME TO goods", ""),
    ("EXPLAIN SELECT email FROM customers", "read email"),
    ("ANALYZE", ""),
    ("VACUUM", ""),
]

SQLITE = [
    ("SELECT [email] FROM [customers]", "read email"),
    ("SELECT `email` FROM `customers`", "read email"),
    ('SELECT "EMAIL" FROM "CUSTOMERS"', "read email"),
    ("SELECT 'customers'.'email' FROM 'customers'", "read email"),
    ("SELECT c.'email' FROM customers c", "read email"),
    ("SELECT email 'alias' FROM customers 'c' WHERE 'c'.phone = 'x'", "read email; match phone; inside phone"),
    ('SELECT "no such column" FROM customers', ""),
    ("SELECT rowid FROM customers", "read segment"),
    ("SELECT rowid FROM products", ""),
    # SQLite looks further out for a column that the nearer table of that name does not have
    ("SELECT (SELECT a.name FROM orders a) FROM customers a", "read name"),
    ("SELECT 1 FROM customers a WHERE EXISTS (SELECT 1 FROM products a WHERE a.name = 'x')", "match name; inside name"),
    ("SELECT email AS e FROM customers WHERE e = 'x'", "read email; match email; inside email"),
    ("SELECT id FROM customers WHERE email == ?", "match email; inside email"),
    ("SELECT id FROM customers WHERE email IS ?", "match email; inside email"),
    ("SELECT id FROM customers WHERE email NOT NULL", "match email"),
    ("SELECT id FROM customers WHERE email NOTNULL AND phone ISNULL", "match email phone"),
    ("SELECT id FROM customers WHERE name GLOB 'a*' AND email REGEXP 'x'", "match name email; inside name email"),
    ("SELECT id FROM customers WHERE email COLLATE nocase = 'x'", "match email; inside email"),
    ("SELECT id FROM products WHERE id IN customers", "match ALL; inside ALL"),
    ("SELECT id FROM products WHERE id IN 'customers'", "match ALL; inside ALL"),
    ("SELECT email FROM customers INDEXED BY ix WHERE id = 1", "read email"),
    ("SELECT email FROM customers NOT INDEXED", "read email"),
    ("SELECT name -> 'a' ->> 'b' FROM customers", "read name; inside name"),
    ("SELECT value FROM customers, json_each(customers.name)", "read name; inside name"),
    ("SELECT 1 FROM main.customers", ""),
    ("SELECT group_concat(name, ',') FROM customers", "read name; inside name"),
    ("SELECT id FROM customers LIMIT 5, 10", ""),
    ("REPLACE INTO customers (id, email) VALUES (1, 'x')", "write ALL; delete customers"),
    ("INSERT OR REPLACE INTO customers (id) VALUES (1)", "write ALL; delete customers"),
    ("INSERT OR IGNORE INTO customers (id, email) VALUES (1, 'x')", "write email"),
    ("INSERT INTO 'customers' ('email') VALUES ('x')", "write email"),
    ("UPDATE OR IGNORE customers SET 'email' = 'x'", "write email"),
    ("UPDATE customers SET email = ? WHERE customers.id = ?", "write email"),
    ("SELECT name FROM sqlite_master", ""),
    ("SELECT * FROM pragma_table_info('customers')", ""),
    ("PRAGMA foreign_keys = ON", ""),
    ('PRAGMA main.table_info("customers")', ""),
    ("ATTACH DATABASE 'x.db' AS other", ""),
    ("EXPLAIN QUERY PLAN SELECT id FROM customers WHERE email = ?", "match email; inside email"),
    ("SELECT strftime('%Y', birthday), date('now') FROM customers", "read birthday; inside birthday"),
    ("SELECT last_insert_rowid()", ""),
    ("SELECT x'00', 0x10, 1e5, .5 FROM customers", ""),
    (
        "CREATE TRIGGER t AFTER INSERT ON products BEGIN UPDATE stats SET amount = 1; END; SELECT email FROM customers",
        "read email",
    ),
    ("SELECT total(id), iif(segment = 'x', 1, 2) FROM customers", "read segment; inside segment"),
]

POSTGRESQL = [
    ("SELECT customers FROM customers", "read ALL; inside ALL"),
    ("SELECT c FROM customers c", "read ALL; inside ALL"),
    ("SELECT c::text FROM customers c", "read ALL; inside ALL"),
    ("SELECT row_to_json(c) FROM customers c", "read ALL; inside ALL"),
    ("SELECT row_to_json(t) FROM (SELECT id, email FROM customers) t", "read email; inside email"),
    ("SELECT t.row_to_json FROM (SELECT id, email FROM customers) t", "read email; inside email"),
    ("SELECT (c).email FROM customers c", "read ALL; inside ALL"),
    ("SELECT (c).* FROM customers c", "read ALL; inside ALL"),
    ("SELECT ROW(c.*) FROM customers c", "read ALL; inside ALL"),
    ("SELECT ROW(id, email) FROM customers", "read email; inside email"),
    ("SELECT count(c) FROM customers c", "read ALL; inside ALL"),
    ("SELECT id FROM customers c WHERE c IS NOT NULL", "match ALL; inside ALL"),
    ("SELECT json_agg(customers) FROM customers", "read ALL; inside ALL"),
    ("SELECT a FROM customers AS c(a, b, d)", "read ALL"),
    ("SELECT lower(b) FROM customers c (a, b)", "read ALL; inside ALL"),
    ("SELECT pivot.email FROM customers PIVOT (x)", "read ALL"),
    # a column alias list hides the names of columns, not those of rows
    ("SELECT a FROM visits AS b (x), copies a", "read k.segment k.email; inside k.segment k.email"),
    (
        "DELETE FROM orders AS a USING products AS b (x) WHERE (a IS NULL) IS NULL",
        "match o.note; delete orders; inside o.note",
    ),
    ("TABLE customers", "read ALL"),
    ("SELECT email FROM ONLY customers", "read email"),
    ("SELECT FROM customers", ""),
    ('SELECT "EMAIL" FROM customers', "read email"),
    ("SELECT o.id FROM orders o, LATERAL (SELECT email FROM customers WHERE id = o.customer_id) z", "read email"),
    (
        "SELECT z.e FROM orders o LEFT JOIN LATERAL (SELECT email AS e FROM customers WHERE name = o.note) z ON true",
        "read email; match name o.note; inside name o.note",
    ),
    ("SELECT DISTINCT ON (segment) id FROM customers ORDER BY segment, id", "match segment; inside segment"),
    ("SELECT id FROM customers WHERE email ILIKE %(x)s", "match email; inside email"),
    (
        "SELECT id FROM customers WHERE email ~ 'x' OR phone !~* 'y' OR name SIMILAR TO 'z'",
        "match email phone name; inside email phone name",
    ),
    ("SELECT id FROM customers WHERE email = ANY (ARRAY['a', 'b'])", "match email; inside email"),
    ("SELECT id FROM customers WHERE 'x' = ANY (SELECT email FROM customers)", "match email; inside email"),
    ("SELECT id FROM customers WHERE 'x' <> ALL (SELECT email FROM customers)", "match email; inside email"),
    ("SELECT id FROM customers WHERE tier <> ALL (ARRAY[email, 'x'])", "match email; inside email"),
    ("SELECT id FROM customers WHERE tier = ALL ((SELECT phone FROM customers))", "match phone; inside phone"),
    ("SELECT ARRAY(SELECT email FROM customers)", "read email; inside email"),
    ("SELECT array_agg(email ORDER BY name) FROM customers", "read email; match name; inside email name"),
    (
        "SELECT string_agg(DISTINCT email, ',') FILTER (WHERE phone IS NULL) FROM customers",
        "read email; match phone; inside email",
    ),
    (
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY birthday) FROM customers",
        "read birthday; match birthday; inside birthday",
    ),
    ("SELECT EXTRACT(year FROM birthday) FROM customers", "read birthday; inside birthday"),
    ("SELECT EXTRACT(epoch FROM (SELECT max(birthday) FROM customers))", "read birthday; inside birthday"),
    (
        "SELECT substring(name FROM 1 FOR 2), trim(BOTH 'x' FROM email), position('a' IN phone) FROM customers",
        "read name email phone; inside name email phone",
    ),
    ("SELECT overlay(name PLACING 'x' FROM 2 FOR 1) FROM customers", "read name; inside name"),
    (
        "SELECT email::varchar(20), CAST(phone AS double precision) FROM customers",
        "read email phone; inside email phone",
    ),
    ("SELECT birthday AT TIME ZONE 'utc' FROM customers", "read birthday; inside birthday"),
    ('SELECT name COLLATE "de_DE" FROM customers', "read name; inside name"),
    (
        "SELECT name -> 'a' #>> '{b,c}' FROM customers WHERE name @> '{}' AND phone ? 'x'",
        "read name; match name phone; inside name phone",
    ),
    ("SELECT interval '1 day', date '2020-01-01', timestamp with time zone '2020-01-01' FROM customers", ""),
    ("SELECT name[1], phone[1:2] FROM customers", "read name phone; inside name phone"),
    ("SELECT id FROM customers WHERE email IS DISTINCT FROM 'x'", "match email; inside email"),
    ("SELECT id FROM customers GROUP BY GROUPING SETS ((id), (segment))", "match segment; inside segment"),
    ("SELECT id FROM customers GROUP BY ROLLUP (segment, tier)", "match segment; inside segment"),
    ("SELECT email FROM customers FETCH FIRST 5 ROWS ONLY", "read email"),
    ("SELECT email FROM customers OFFSET 2 ROWS FETCH NEXT ROW ONLY", "read email"),
    ("SELECT email FROM customers FOR UPDATE OF customers SKIP LOCKED", "read email"),
    ("SELECT email FROM customers TABLESAMPLE BERNOULLI (10) REPEATABLE (5)", "read email"),
    ("SELECT x FROM unnest(ARRAY['a']) WITH ORDINALITY AS t(x, n)", ""),
    ("SELECT v FROM customers, jsonb_each_text(customers.name) AS t(k, v)", "read name; inside name"),
    ("SELECT * FROM generate_series(1, 3) AS g", ""),
    ("SELECT * FROM json_to_recordset('[]') AS x(a int, b text)", ""),
    ("SELECT $$email$$, $t$ '; SELECT email $t$ FROM customers", ""),
    ("SELECT E'it\\'s', 'email' FROM customers -- '", ""),
    ("SELECT /* a /* nested */ comment, email */ id FROM customers", ""),
    ("SELECT id FROM customers WHERE id %% 2 = 1", ""),
    ("SELECT id FROM customers WHERE email LIKE 'a%%'", "match email; inside email"),
    ("SELECT id FROM customers WHERE email OPERATOR(pg_catalog.=) 'x'", "match email; inside email"),
    ("SELECT pg_catalog.lower(email) FROM customers", "read email; inside email"),
    (
        "INSERT INTO customers AS c (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = 'y' WHERE c.email = 'z'",
        "match email; write name; inside email",
    ),
    (
        "INSERT INTO customers (id, email) VALUES (1, 'x') ON CONFLICT ON CONSTRAINT uq DO NOTHING",
        "match email; write email",
    ),
    (
        "INSERT INTO customers (id, email) VALUES (1, 'x') ON CONFLICT (lower(email)) DO NOTHING",
        "match email; write email; inside email",
    ),
    ("INSERT INTO customers (id, email) OVERRIDING SYSTEM VALUE VALUES (1, DEFAULT)", "write email"),
    (
        "UPDATE customers AS c SET email = 'x' FROM orders o WHERE o.customer_id = c.id RETURNING c.email, o.note",
        "read email o.note; write email",
    ),
    ("UPDATE customers SET (name, phone) = (SELECT title, title FROM products LIMIT 1)", "write name phone"),
    ("UPDATE customers SET email = DEFAULT", "write email"),
    ("UPDATE customers SET email = 'x' RETURNING old.email, new.phone", "read email phone; write email"),
    (
        "DELETE FROM customers USING orders WHERE orders.note = customers.name",
        "match name o.note; delete customers; inside name o.note",
    ),
    (
        "WITH d AS (DELETE FROM customers WHERE tier = 'x' RETURNING email) SELECT email FROM d",
        "read email; delete customers",
    ),
    ("WITH i AS (INSERT INTO customers (name) VALUES ('x') RETURNING id) SELECT id FROM i", "write name"),
    ("WITH x AS (SELECT 1) INSERT INTO customers (name) SELECT 'y' FROM x", "write name"),
    ("WITH customers AS (SELECT * FROM customers) SELECT id FROM customers", "read ALL"),
    (
        (
            "MERGE INTO customers c USING orders o ON c.id = o.customer_id WHEN MATCHED AND c.phone = 'x' THEN UPDATE SET email = 'y' "
            "WHEN NOT MATCHED THEN INSERT (name) VALUES ('z')"
        ),
        "match phone; write email name; inside phone",
    ),
    ("MERGE INTO customers c USING products p ON c.id = p.id WHEN MATCHED THEN DELETE", "delete customers"),
    ("TRUNCATE customers, products", "delete customers"),
    ("TRUNCATE TABLE ONLY orders RESTART IDENTITY", "delete orders"),
    ("TRUNCATE products CASCADE", "delete customers orders crm.contacts Guests copies"),
    ("EXPLAIN (ANALYZE, FORMAT JSON) SELECT email FROM customers", "read email"),
    ("EXPLAIN ANALYZE DELETE FROM customers", "delete customers"),
    ("SET LOCAL statement_timeout = 5", ""),
    ("SET search_path TO x", ""),
    ("SELECT set_config('app.tenant', %(x)s, true)", ""),
    ("SHOW server_version", ""),
    ("LISTEN channel", ""),
    ("LOCK TABLE customers IN SHARE MODE", ""),
    ("COPY products FROM STDIN", ""),
    ("PREPARE TRANSACTION 'x'", ""),
    ("DECLARE c CURSOR FOR SELECT title FROM products", ""),
    ("SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace", ""),
    ("SELECT column_name FROM information_schema.columns WHERE table_name = 'customers'", ""),
    ("SELECT 'customers'::regclass, nextval('s')", ""),
    ("REFRESH MATERIALIZED VIEW m", ""),
    ("CREATE TABLE t (LIKE customers INCLUDING ALL)", ""),
    ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$", ""),
    ("ALTER TABLE customers ALTER COLUMN email TYPE text USING email::text", ""),
    ("COMMENT ON COLUMN customers.email IS 'email'", ""),
]


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.parametrize(("sql", "touches"), BOTH)
def test_a_statement_touches_what_it_names(sql: str, touches: str, dialect: str) -> None:
    if dialect == "sqlite":
        sql = sql.replace("%(x)s", "?")
    sql = sql.replace("'%x'", "'%%x'") if dialect == "postgresql" else sql
    assert sides(judge(sql, dialect)) == expected(touches)


@pytest.mark.parametrize(("sql", "touches"), SQLITE)
def test_what_only_sqlite_can_say_is_understood(sql: str, touches: str) -> None:
    assert sides(judge(sql, "sqlite")) == expected(touches)


@pytest.mark.parametrize(("sql", "touches"), POSTGRESQL)
def test_what_only_postgresql_can_say_is_understood(sql: str, touches: str) -> None:
    assert sides(judge(sql, "postgresql")) == expected(touches)
