"""A policy document is refused as a whole: every fault at once, each in its place, with the nearest correct name."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from sa_privacy.errors import PolicyError
from sa_privacy.policy import Fault, Policy, check
from sa_privacy.policy.writing import as_sections

SOUND = """\
[policy]
id = "shop"
version = "1"
languages = ["en", "ja"]
controller = {en = "Shop", ja = "店"}

[categories.email]
title = {en = "E-mail", ja = "メール"}
[categories.phone]

[purposes.shipping]
title = "Shipping"
use = [
    "phone",
]
delete = ["orders"]

[purposes.campaigns]
read = ["email"]
consent = "opt_in"

[roles.warehouse]
purposes = ["shipping"]
[roles.visitor]
purposes = ["campaigns"]
anonymous = true
[roles.engineer]
maintenance = true

[systems.nightly]
purposes = ["shipping"]

[columns]
"customers.email" = "email"
"crm.contacts.phone" = {category = "phone", encrypt = true, lookup = "exact", purposes = ["shipping"]}

[log]
on_failure = "refuse"
"""

# what is wrong: what stands in the sound document, what stands there instead, the place, words of the message
FAULTS = {
    "an unknown section": ("[log]", "[lag]", "lag", 'unknown key. Did you mean "log"?'),
    "an unknown key in [policy]": ('version = "1"', 'version = "1"\nlanguage = "en"', "policy.language", '"languages"'),
    "a key of a category in another case": ("title = {en", "Title = {en", "categories.email.Title", '"title"'),
    "no id": ('id = "shop"\n', "", "policy", "has no id"),
    "an empty id": ('id = "shop"', 'id = " "', "policy.id", "is empty"),
    "no version": ('version = "1"\n', "", "policy", "has no version"),
    "a version without quotes": ('version = "1"', "version = 2026-11-23", "policy.version", "write it in quotes"),
    "a version that is a number": ('version = "1"', "version = 1", "policy.version", "must be text, and is a number"),
    "languages that are text": ('["en", "ja"]', '"en"', "policy.languages", "must be a list, and is text"),
    "no language": ('["en", "ja"]', "[]", "policy.languages", "is empty"),
    "a language that is no tag": ('["en", "ja"]', '["en", "日本語"]', "policy.languages[1]", "is no language tag"),
    "a language named twice": ('["en", "ja"]', '["en", "ja", "en"]', "policy.languages[2]", "is named twice"),
    "a controller not in every language": (', ja = "店"', "", "policy.controller", "is missing in ja"),
    "a title not in every language": (', ja = "メール"', "", "categories.email.title", "is missing in ja"),
    "a title in a language not declared": (
        'ja = "メール"',
        'ja = "メール", jp = "メール"',
        "categories.email.title.jp",
        "unknown key. Known: en, ja",
    ),
    "an empty title": ('en = "E-mail"', 'en = ""', "categories.email.title.en", "is empty"),
    "a title that is a list": ('"Shipping"', '["Shipping"]', "purposes.shipping.title", "and is a list"),
    "a category that is text": (
        "[categories.phone]",
        '[categories]\nphone = ""',
        "categories.phone",
        "must be a table",
    ),
    "a category without a name": (
        "[categories.phone]",
        '[categories.phone]\n[categories.""]',
        'categories.""',
        "empty name",
    ),
    "a category whose name holds a space": (
        "[categories.phone]",
        '[categories.phone]\n[categories."a b"]',
        'categories."a b"',
        "is no name",
    ),
    "an unknown category": ('"phone",\n', '"phone",\n    "emial",\n', "purposes.shipping.use[1]", 'mean "email"?'),
    "a category that is a number": ('"phone",\n', '"phone",\n    7,\n', "purposes.shipping.use[1]", "must be text"),
    "an empty category in a list": ('"phone",\n', '"phone",\n    "",\n', "purposes.shipping.use[1]", "is empty"),
    "a category named twice": ('"phone",\n', '"phone",\n "phone",\n', "purposes.shipping.use[1]", "is named twice"),
    "use beside read": (
        'delete = ["',
        'read = ["email"]\ndelete = ["',
        "purposes.shipping.read",
        'stands beside "use"',
    ),
    "use beside write": ('delete = ["', 'write = ["email"]\ndelete = ["', "purposes.shipping.write", 'beside "use"'),
    "a purpose that opens nothing": ('read = ["email"]\n', "", "purposes.campaigns", "opens nothing"),
    "a purpose with an empty list": ('read = ["email"]', "read = []", "purposes.campaigns.read", "is empty"),
    "misspelt consent": ('"opt_in"', '"opt-in"', "purposes.campaigns.consent", 'Did you mean "opt_in"?'),
    "misspelt rows": ('"opt_in"', '"opt_in"\nrows = "owm"', "purposes.campaigns.rows", 'Did you mean "own"?'),
    "consent that is true": ('"opt_in"', "true", "purposes.campaigns.consent", "must be text, and is true or false"),
    "a table with too many parts": ('["orders"]', '["a.b.c"]', "purposes.shipping.delete[0]", "is no table"),
    "a table without a name": ('["orders"]', '["crm."]', "purposes.shipping.delete[0]", "is no table"),
    "a role without purposes": (
        '[roles.warehouse]\npurposes = ["shipping"]',
        "[roles.warehouse]",
        "roles.warehouse",
        "has no purposes",
    ),
    "a role for an unknown purpose": (
        '[roles.warehouse]\npurposes = ["shipping"]',
        '[roles.warehouse]\npurposes = ["shiping"]',
        "roles.warehouse.purposes[0]",
        'there is no purpose "shiping". Did you mean "shipping"?',
    ),
    "a role whose purposes are text": (
        '[roles.warehouse]\npurposes = ["shipping"]',
        '[roles.warehouse]\npurposes = "shipping"',
        "roles.warehouse.purposes",
        "must be a list",
    ),
    "anonymous in quotes": (
        "anonymous = true",
        'anonymous = "true"',
        "roles.visitor.anonymous",
        "must be true or false",
    ),
    "anonymous maintenance": (
        "maintenance = true",
        "maintenance = true\nanonymous = true",
        "roles.engineer.anonymous",
        "anybody could open everything",
    ),
    "a system without purposes": (
        '[systems.nightly]\npurposes = ["shipping"]',
        "[systems.nightly]",
        "systems.nightly",
        "has no purposes",
    ),
    "a system for an unknown purpose": (
        '[systems.nightly]\npurposes = ["shipping"]',
        '[systems.nightly]\npurposes = ["ship"]',
        "systems.nightly.purposes[0]",
        'Did you mean "shipping"?',
    ),
    "a system that may be anonymous": (
        "[systems.nightly]",
        "[systems.nightly]\nanonymous = true",
        "systems.nightly.anonymous",
        "unknown key",
    ),
    "a column of an unknown category": ('email" = "email"', 'email" = "mail"', 'columns."customers.email"', '"email"?'),
    "a column of no category": ('email" = "email"', 'email" = ""', 'columns."customers.email"', "is empty"),
    "a column rule without category": (
        'category = "phone", ',
        "",
        'columns."crm.contacts.phone"',
        "has no category",
    ),
    "a column rule of an unknown category": (
        'category = "phone"',
        'category = "fone"',
        'columns."crm.contacts.phone".category',
        'Did you mean "phone"?',
    ),
    "a column that is a number": ('email" = "email"', 'email" = 1', 'columns."customers.email"', "must be a category"),
    "a column without its table": ('"customers.email"', '"email"', "columns.email", "is no column"),
    "a column without quotes": ('"customers.email"', "customers.email", "columns.customers", 'as in "customers.email"'),
    "a misspelt lookup": ('"exact"', '"exakt"', 'columns."crm.contacts.phone".lookup', 'Did you mean "exact"?'),
    "a lookup that is not sealed": ("encrypt = true, ", "", 'columns."crm.contacts.phone".lookup', "encrypt = true"),
    "a field that is not sealed": (
        'encrypt = true, lookup = "exact"',
        'field = "x"',
        'columns."crm.contacts.phone".field',
        "is for sealed columns",
    ),
    "an unknown key of a column": ("encrypt", "encript", 'columns."crm.contacts.phone".encript', '"encrypt"?'),
    "a column narrowed to an unknown purpose": (
        'purposes = ["shipping"]}',
        'purposes = ["shpping"]}',
        'columns."crm.contacts.phone".purposes[0]',
        'Did you mean "shipping"?',
    ),
    "a column widened to a purpose": (
        'purposes = ["shipping"]}',
        'purposes = ["shipping", "campaigns"]}',
        'columns."crm.contacts.phone".purposes[1]',
        "purposes narrow, and never widen",
    ),
    "misspelt on_failure": ('"refuse"', '"refused"', "log.on_failure", 'Did you mean "refuse"?'),
    "an unknown key in [log]": ("on_failure", "on_failures", "log.on_failures", 'Did you mean "on_failure"?'),
}


def test_the_sound_document_has_no_fault() -> None:
    """The table below changes one thing at a time, so what it starts from must be sound."""
    assert check(SOUND) == ()


@pytest.mark.parametrize("name", FAULTS)
def test_is_a_fault_in_its_place(name: str) -> None:
    """Each fault is found where it stands, with a way out."""
    old, new, place, words = FAULTS[name]
    assert SOUND.count(old) == 1, "the example must be told apart"
    before = SOUND[: SOUND.index(old)]
    faults = check(SOUND.replace(old, new))
    found = [fault for fault in faults if fault.place == place and words in fault.what]
    assert found, [str(fault) for fault in faults]
    first = before.count("\n") + 1
    last = first + new.count("\n") + 1
    nearest_table = before[: before.rindex("\n[") + 1].count("\n") + 1 if "\n[" in before else 1
    assert min(first, nearest_table) <= (found[0].line or 0) <= last


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        pytest.param("[policy\nid = 1\n", 1, "is no TOML", id="a header that is not closed"),
        pytest.param('[policy]\nid = "a"\nid = "b"\n', 3, "is no TOML", id="a key said twice"),
        pytest.param('[policy]\nid = "a\n', 2, "is no TOML", id="a text that is not closed"),
        pytest.param("[policy]\nid =", 2, "is no TOML", id="a value missing at the end"),
        pytest.param("x = " + "[" * 100_000, None, "nested too deeply", id="a document nested without end"),
    ],
)
def test_a_text_that_is_no_toml_is_a_fault_with_its_line(text: str, line: int | None, words: str) -> None:
    """A syntax error is a PolicyError like any other."""
    (fault,) = check(text)
    assert fault.line == line
    assert words in fault.what
    with pytest.raises(PolicyError):
        Policy.loads(text)


def test_a_syntax_error_does_not_repeat_the_text() -> None:
    """Whoever loads a key file by mistake does not find the key in the error."""
    (fault,) = check('{"primary": 1, "keys": {"1": "c2VjcmV0LWtleS1ieXRlcw"}}')
    assert "c2VjcmV0" not in str(fault)


def test_every_fault_is_told_at_once_from_the_top_down() -> None:
    """One run shows all there is to correct."""
    text = SOUND.replace('"opt_in"', '"opt-in"').replace('"店"', '""').replace('"phone",\n', '"fone",\n')
    with pytest.raises(PolicyError) as caught:
        Policy.loads(text, source="privacy.toml")
    assert str(caught.value) == (
        "[SP-101]: privacy.toml has 3 faults:\n"
        "  line 5, policy.controller.ja: is empty.\n"
        '  line 14, purposes.shipping.use[0]: there is no category "fone". Did you mean "phone"?\n'
        "  line 20, purposes.campaigns.consent: must be one of none, opt_in, opt_out, and is "
        '"opt-in". Did you mean "opt_in"?'
    )


def test_one_fault_is_told_in_one_line() -> None:
    """A single fault needs no list."""
    with pytest.raises(PolicyError) as caught:
        Policy.loads(SOUND.replace('"refuse"', '"ignore"'), source="privacy.toml")
    assert str(caught.value) == (
        '[SP-101]: privacy.toml: line 38, log.on_failure: must be one of refuse, continue, and is "ignore".'
    )


def test_a_policy_built_in_python_tells_its_faults_without_lines() -> None:
    """There is no text, so there is the path alone."""
    with pytest.raises(PolicyError) as caught:
        Policy(policy={"id": "a", "version": datetime.date(2026, 1, 1)}, purposes={"p": {"use": ["x"]}}, colums={})
    assert str(caught.value) == (
        "[SP-101]: the policy has 3 faults:\n"
        '  colums: unknown key. Did you mean "columns"?\n'
        "  policy.version: must be text, and is a date; write it in quotes.\n"
        '  purposes.p.use[0]: there is no category "x". None is defined.'
    )


def test_a_missing_head_is_one_fault() -> None:
    """What follows from a fault is not told as faults of its own."""
    assert check("") == (Fault("", "the section [policy] is missing; it says id and version."),)
    assert [fault.place for fault in check("policy = 1")] == ["policy"]
    assert [fault.place for fault in check('[policy]\nid="a"\nversion="1"\n[roles]\nx = 1')] == ["roles.x"]


def test_roles_that_are_all_gone_are_a_fault() -> None:
    """An empty [roles] must not quietly turn into a policy without limits by role."""
    assert [fault.place for fault in check('[policy]\nid="a"\nversion="1"\n[roles]')] == ["roles"]


def test_a_document_that_is_not_there_is_a_policy_error_with_a_hint(tmp_path: Path) -> None:
    """The error names the path and says what to give instead."""
    with pytest.raises(PolicyError, match=r"privacy\.toml cannot be read: No such file") as caught:
        Policy.load(tmp_path / "privacy.toml")
    assert caught.value.hint


def test_a_document_in_another_encoding_is_a_fault_with_its_line(tmp_path: Path) -> None:
    """TOML is UTF-8."""
    path = tmp_path / "privacy.toml"
    path.write_bytes(SOUND.encode("cp932"))
    with pytest.raises(PolicyError, match="line 5: is not UTF-8 text"):
        Policy.load(path)


def test_a_document_of_another_system_is_read_the_same(tmp_path: Path) -> None:
    """A byte order mark and CRLF change neither the meaning nor the lines."""
    path = tmp_path / "privacy.toml"
    path.write_bytes(b"\xef\xbb\xbf" + SOUND.replace("\n", "\r\n").encode())
    assert Policy.load(path).hash == Policy.loads(SOUND).hash
    path.write_bytes(SOUND.replace('"refuse"', '"ignore"').replace("\n", "\r\n").encode())
    with pytest.raises(PolicyError, match=r"line 38, log\.on_failure"):
        Policy.load(path)


def test_a_name_too_long_or_with_line_breaks_stays_on_its_line() -> None:
    """A fault is one line, whatever the document says."""
    (fault,) = check(SOUND.replace('"phone",\n', '"phone", "x\\n' + "y" * 500 + '",\n'))
    assert "\n" not in str(fault)
    assert len(str(fault)) < 200


def test_roles_that_deal_with_consents_are_known_and_somebody() -> None:
    officer = '[consents]\nroles = ["officer", "visitor", "offcer"]\n[roles.officer]\n'
    places = [fault.place for fault in check(SOUND + officer)]
    assert places == ["consents.roles[2]", "consents.roles"]
    assert [fault.place for fault in check(SOUND + "[consents]\n")] == ["consents"]
    said = Policy.loads(SOUND + '[consents]\nroles = ["officer"]\n[roles.officer]\n')
    assert said.consents is not None
    assert said.consents.roles == {"officer"}
    assert Policy(**as_sections(said)).hash == said.hash
    without = as_sections(said)
    del without["consents"]
    without["roles"].pop("officer")
    assert Policy(**without).hash == Policy.loads(SOUND).hash, "a policy without the section means what it meant"


def test_roles_that_deal_with_requests_are_known_and_somebody() -> None:
    """They need no purposes: their work is the requests."""
    officer = '[requests]\nroles = ["officer", "visitor", "offcer"]\n[roles.officer]\n'
    places = [fault.place for fault in check(SOUND + officer)]
    assert places == ["requests.roles[2]", "requests.roles"]
    Policy.loads(SOUND + '[requests]\nroles = ["officer"]\n[roles.officer]\n')
    assert check(SOUND + "[roles.officer]\n")
