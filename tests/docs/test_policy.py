"""The reference of the policy document names every key that the reader knows, and no other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from sa_privacy import Policy, PolicyError
from sa_privacy.policy.reading import KEYS

DOCUMENT = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")
(EXAMPLE,) = re.findall(r"```toml\n(.*?)```", DOCUMENT, flags=re.DOTALL)
#: What the document says: by section, the allowed values of each key as they are described.
TABLES = {
    heading: dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", text, flags=re.MULTILINE))
    for heading, text in re.findall(r"^## `\[(\w+)[.\w]*\]`$(.*?)(?=^## |\Z)", DOCUMENT, flags=re.MULTILINE | re.DOTALL)
}
#: Keys that allow a few words only.
CHOICES = [
    (section, key, frozenset(words))
    for section, keys in TABLES.items()
    for key, values in keys.items()
    if "list" not in values and (words := re.findall(r'`"(\w+)"`', values))
]


def test_the_document_has_every_section_and_key_of_the_reader_and_no_other() -> None:
    assert {section: set(keys) for section, keys in TABLES.items()} == {
        section: set(keys) for section, keys in KEYS.items()
    }


def test_the_example_is_accepted_and_shows_every_key() -> None:
    Policy.loads(EXAMPLE, source="docs/policy.md")
    shown: dict[str, set[str]] = {}
    for section, content in tomllib.loads(EXAMPLE).items():
        tables = (
            [content]
            if section in {"policy", "log", "consents", "records", "requests", "erasure", "contact"}
            else [t for t in content.values() if isinstance(t, dict)]
        )
        shown[section] = {key for table in tables for key in table}
    assert shown == {section: set(keys) for section, keys in KEYS.items()}


@pytest.mark.parametrize(("section", "key", "words"), CHOICES, ids=[key for _, key, _ in CHOICES])
def test_the_words_that_a_key_allows_are_those_of_the_document(section: str, key: str, words: frozenset[str]) -> None:
    """The reader names what it would take."""
    table: dict[str, Any] = {key: "something else"}
    if section not in {"log", "consents", "records", "requests", "erasure", "contact"}:
        table = {"a.b" if section == "columns" else "a": table}
    with pytest.raises(PolicyError) as caught:
        Policy(policy={"id": "p", "version": "1"}, **{section: table})
    (told,) = re.findall(rf"{key}: must be one of (.*), and is", str(caught.value))
    assert frozenset(told.split(", ")) == words
