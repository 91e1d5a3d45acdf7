"""Functions that run a query given as a string, or dump a table by its name."""

path = "functions that run or read a string"
ends = "refused"
backends = ("postgresql",)
sql = (
    "SELECT query_to_xml('SELECT email FROM customers', true, false, '')",
    "SELECT table_to_xml('customers', true, false, '')",
    "SELECT schema_to_xml('public', true, false, '')",
    "SELECT database_to_xml(true, false, '')",
    "SELECT query_to_xml_and_xmlschema('SELECT email FROM customers', true, false, '')",
    "SELECT table_to_xml(('cust' || 'omers')::regclass, true, false, '')",
    "SELECT xmlforest(query_to_xml('TABLE customers', true, false, '') AS x)",
    "SELECT * FROM ts_stat('SELECT to_tsvector(''simple'', email) FROM customers')",
)
