"""Virtual tables of modules that keep what they are given."""

path = "modules and search tables"
ends = "refused"
backends = ("sqlite",)
prepare = (
    "CREATE VIRTUAL TABLE boxes USING rtree(id, least, greatest)",
    "INSERT INTO boxes SELECT id, points, points FROM customers",
)
sql = ("SELECT CAST(least AS INTEGER) FROM boxes", "SELECT nodeno FROM boxes_rowid", "SELECT data FROM boxes_node")
refused = True
