"""No text that a caller hands in can forge a line, and nothing that is no event is written."""

from __future__ import annotations

import json
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sa_privacy.accesslog import AccessLog, members
from tests.support.draws import draws

text = st.text(st.characters(codec="utf-8"), max_size=40) | st.sampled_from(
    ['","hash":"', '"}\n{"kind":"opened"', "\r\n", "\u2028\x00\x85", '\\","seq":9', "},"]
)
texts = st.lists(text, max_size=3)
fields = st.fixed_dictionaries(
    {},
    optional={
        "actor": st.none() | text,
        "reason": text,
        "request": text,
        "recipient": st.none() | text,
        "provision": text,
        "record": text,
        "people": text,
        "state": st.sampled_from(["begun", "done", "undone", None]),
        "roles": texts,
        "purpose": texts,
        "reads": texts,
        "denials": texts,
        "subjects": st.none() | texts,
        "maintenance": st.booleans(),
        "rows": st.none() | st.integers(0, 2**62),
        "decision": st.sampled_from(["allowed", "denied", "would_deny", None]),
    },
)


@given(st.lists(fields, max_size=4))
@settings(max_examples=draws(150), deadline=None)
def test_whatever_is_said_comes_back_equal_and_the_chain_holds(said: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as directory, AccessLog.open(directory) as log:
        for one in said:
            encoded = members(**one)
            assert b"\n" not in encoded
            log.append("use", encoded)
        assert log.verify().ok
        events = list(log.events())[1:]
        assert len(events) == len(said)
        for event, one in zip(events, said, strict=True):
            for name, value in one.items():
                assert getattr(event, name) == value


@pytest.mark.parametrize("name", ["kind", "at", "writer", "seq", "prev", "hash", "format", "parameters"])
def test_what_is_the_logs_own_cannot_be_said_by_a_caller(name: str) -> None:
    with pytest.raises(TypeError, match=f"'{name}': events have no such field"):
        members(**{name: "x"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("actor", 4711),
        ("actor", Decimal("47.11")),
        ("roles", "secret"),
        ("rows", True),
        ("decision", "secret"),
        ("subjects", [4711]),
        ("reason", {"secret": 1}),
    ],
)
def test_a_value_of_another_type_is_refused_without_showing_it(name: str, value: object) -> None:
    with pytest.raises(TypeError, match=f"'{name}'") as caught:
        members(purpose=["shipping"], **{name: value})
    assert "secret" not in str(caught.value)
    assert "47" not in str(caught.value)
    assert "purpose" not in str(caught.value)


def test_text_that_is_no_unicode_is_refused_without_carrying_it_along() -> None:
    with pytest.raises(ValueError, match="reason") as caught:
        members(reason="secret \udc80")
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "secret" not in str(caught.value)
    assert not isinstance(caught.value, UnicodeError)


def test_parts_can_be_encoded_apart_and_joined(tmp_path: Path) -> None:
    with AccessLog.open(tmp_path) as log:
        log.append("use", members(actor="a") + b"," + members(rows=None, roles=("r",)))
        event = list(log.events())[1]
    assert (event.actor, event.rows, event.roles) == ("a", None, ["r"])


def test_left_out_fields_are_not_written_and_none_is_null() -> None:
    assert json.loads(b"{" + members(actor=None, rows=3) + b"}") == {"actor": None, "rows": 3}
    assert members() == b""
