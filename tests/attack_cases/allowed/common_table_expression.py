"""A CTE over plain tables."""

sql = "WITH dear AS (SELECT title FROM products WHERE price > 30) SELECT title FROM dear"
expect = [("Lamp",)]
