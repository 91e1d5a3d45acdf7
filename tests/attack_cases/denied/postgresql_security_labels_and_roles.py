"""SET ROLE and SET SESSION AUTHORIZATION change who acts."""

path = "roles and settings"
ends = "refused"
backends = ("postgresql",)
refused = True
hollow = "what they prepare is another attack"
sql = ("SET ROLE postgres", "SET SESSION AUTHORIZATION DEFAULT", "SET standard_conforming_strings = off")
