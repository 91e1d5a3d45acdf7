"""The line of every key is known, however the TOML is written."""

from __future__ import annotations

import pytest

from sa_privacy.policy.places import Path, line_of, lines_of, shown

TEXT = """\
# a comment with a [header] and a key = "value"
top = 1
[ purposes . shipping ]          # spaces around the dots
title.en = "a # b"
title . "ja" = 'c = [d'
use = [ # list
  "name", "address",   # two on one line

  "phone"
]
long = \"\"\"
[not.a.table]
use = ["no"] \\"\"\" still inside ""\"\"\"
raw = '''
[nor.this]'''
more = \"\"\"one\"\"\"
again = \"\"\"two\"\"\"
last = '''three'''
end = '''four'''
inline = {a = 1, b.c = "x", d = [1,
  {e = 2}]}
when = 2026-11-23 07:32:00
[[rows]]
x = 1
[[rows]]
x = 2
[rows.more]
y = 3
[columns]
"customers.email" = "email"
'crm."odd".x' = "\\u0041"
"tab\\tbed" = 1
[purposes]
late = {}
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 2),
        (("purposes", "shipping"), 3),
        (("purposes", "shipping", "title"), 4),
        (("purposes", "shipping", "title", "en"), 4),
        (("purposes", "shipping", "title", "ja"), 5),
        (("purposes", "shipping", "use"), 6),
        (("purposes", "shipping", "use", 0), 7),
        (("purposes", "shipping", "use", 1), 7),
        (("purposes", "shipping", "use", 2), 9),
        (("purposes", "shipping", "long"), 11),
        (("purposes", "shipping", "raw"), 14),
        (("purposes", "shipping", "again"), 17),
        (("purposes", "shipping", "end"), 19),
        (("purposes", "shipping", "inline", "b", "c"), 20),
        (("purposes", "shipping", "inline", "d", 0), 20),
        (("purposes", "shipping", "inline", "d", 1, "e"), 21),
        (("purposes", "shipping", "when"), 22),
        (("rows", 0, "x"), 24),
        (("rows", 1, "x"), 26),
        (("rows", 1, "more", "y"), 28),
        (("columns", "customers.email"), 30),
        (("columns", 'crm."odd".x'), 31),
        (("columns", "tab\tbed"), 32),
        (("purposes",), 33),
        (("purposes", "late"), 34),
    ],
)
def test_the_line_is_right(path: Path, line: int) -> None:
    """Each kind of key, value and table."""
    assert lines_of(TEXT)[path] == line


def test_nothing_inside_a_text_is_taken_for_a_key() -> None:
    """Texts over several lines may look like TOML."""
    assert not {("not",), ("nor",), ("header",), ("key",)} & lines_of(TEXT).keys()


def test_what_has_no_line_falls_back_to_what_is_around_it() -> None:
    """A key that is missing is told at its table."""
    lines = lines_of(TEXT)
    assert line_of(("purposes", "shipping", "use", 7), lines) == 6
    assert line_of(("purposes", "shipping", "consent"), lines) == 3
    assert line_of(("nowhere",), lines) is None


def test_a_text_that_is_no_toml_keeps_what_was_noted() -> None:
    """Losing the way is no error: the lines until then still stand."""
    assert lines_of("a = 1\nb = = 2\nc = 3")[("a",)] == 1


def test_paths_are_shown_as_toml_writes_them() -> None:
    """Keys that need quotes have them."""
    assert shown(("purposes", "shipping", "use", 2)) == "purposes.shipping.use[2]"
    assert shown(("columns", "customers.email", "category")) == 'columns."customers.email".category'
    assert shown(()) == ""
