"""Every spelling that makes the transaction run as another role, in the hope that it may see more."""

path = "roles and settings"
ends = "refused"
backends = ("postgresql",)
refused = True
hollow = "what they prepare is another attack"
sql = (
    "SET LOCAL ROLE postgres",
    "SET SESSION ROLE NONE",
    "SET role TO 'postgres'",
    "/* quietly */ SET /* now */ ROLE postgres",
    "RESET ROLE",
    "RESET SESSION AUTHORIZATION",
    "SET LOCAL SESSION AUTHORIZATION postgres",
    "SELECT set_config('role', 'postgres', true)",
    "SELECT pg_catalog.set_config('ROLE', 'postgres', false)",
    "SELECT set_config('session_authorization', 'postgres', true)",
    "SELECT set_config('ro' || 'le', 'postgres', true)",
    "SELECT 1; SET ROLE postgres; SELECT 2",
)
