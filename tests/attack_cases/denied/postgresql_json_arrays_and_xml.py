"""The column inside JSON, arrays, XML and ranges."""

path = "JSON, arrays, XML, text search"
ends = "refused"
backends = ("postgresql",)
sql = (
    "SELECT json_build_object('a', email) FROM customers",
    "SELECT jsonb_set('{}'::jsonb, '{a}', to_jsonb(email)) FROM customers",
    "SELECT ARRAY(SELECT email FROM customers)",
    "SELECT ARRAY[email, name] FROM customers",
    "SELECT array_to_string(array_agg(email), '') FROM customers",
    "SELECT xmlelement(name a, email)::text FROM customers",
    "SELECT xmlforest(email)::text FROM customers",
    "SELECT xmlagg(xmlelement(name a, email))::text FROM customers",
    "SELECT xmlconcat(xmlelement(name a, email), NULL)::text FROM customers",
    "SELECT to_json(profile -> 'size') FROM customers",
    "SELECT profile ->> 'size' FROM customers",
    "SELECT profile #>> '{size}' FROM customers",
    "SELECT int4range(points, NULL)::text FROM customers",
    "SELECT format('%s', email) FROM customers",
    "SELECT encode(convert_to(email, 'UTF8'), 'hex') FROM customers",
)
