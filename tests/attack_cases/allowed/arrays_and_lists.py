"""array_agg, string_agg and unnest over plain columns."""

backends = ("postgresql",)
sql = (
    "SELECT array_agg(title ORDER BY id), string_agg(title, ', ' ORDER BY id) FROM products",
    "SELECT array_agg(x.t), string_agg(x.t, ', ') FROM (SELECT unnest(ARRAY['Umbrella', 'Lamp']) AS t) AS x",
)
expect = [(["Umbrella", "Lamp"], "Umbrella, Lamp")]
