"""What the wall is told of the access, told otherwise in text."""

path = "roles and settings"
ends = "refused"
backends = ("postgresql",)
hollow = "it reads nothing: it changes what later statements of the transaction would reach behind a wall"
refused = True
sql = (
    "SET sa_privacy.rules = ','",
    "SET LOCAL sa_privacy.subject = '1'",
    "SET SESSION SA_Privacy.Purpose TO 'everything'",
    "SET LOCAL \"sa_privacy.rules\" = ','",
    'SET "sa_privacy"."rules" TO DEFAULT',
    "RESET sa_privacy.rules",
    "SELECT set_config('sa_privacy.rules', ',', true)",
)
