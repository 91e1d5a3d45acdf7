"""`U&"..."` spells a name by its code points."""

path = "comments and odd quoting"
ends = "refused"
backends = ("postgresql",)
sql = (
    r"""SELECT U&"\0065mail" FROM customers""",
    r"""SELECT email FROM U&"custom\0065rs" """,
    """SELECT U&"!0065mail" UESCAPE '!' FROM customers""",
)
