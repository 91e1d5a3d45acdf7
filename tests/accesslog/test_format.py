"""The bytes are those of docs/spec/log.md, for the library and for a stranger alike."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from sa_privacy.accesslog import AccessLog, Event, members, read_events, verify_directory
from sa_privacy.crypto import VerifyingKey
from tests.accesslog.events import CONTEXT, EVENTS, NAME, VECTORS, check_segment, write_vector
from tests.accesslog.second_verifier import check_log


class Changed(msgspec.Struct):
    case: str
    first_bad_line: int | None
    torn: bool
    segment: str


CHANGED = msgspec.json.decode((VECTORS / "log-changed.json").read_bytes(), type=list[Changed])


def test_the_library_writes_the_bytes_of_the_vector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = write_vector(tmp_path / "log", monkeypatch)
    expected = sorted((VECTORS / "log-2").iterdir())
    assert [path.name for path in written] == [path.name for path in expected]
    assert [path.read_bytes() for path in written] == [path.read_bytes() for path in expected]


def test_both_verifiers_accept_the_vector_and_its_checkpoint(tmp_path: Path) -> None:
    vector = Path(shutil.copytree(VECTORS / "log-2", tmp_path / "log"))
    key = VerifyingKey.load(VECTORS / "log-2.pem")
    found = verify_directory(vector, key=key)
    assert found.ok
    assert found.covered is not None
    raw = load_pem_public_key(key.pem()).public_bytes_raw()  # type: ignore[union-attr]
    assert check_log(vector, raw, tmp_path / "none") == set()
    [points] = vector.glob("*.ndjson")
    points.write_bytes(points.read_bytes().replace(b'"full":true', b'"full":tru3'))
    assert not verify_directory(vector, key=key).ok
    assert check_log(vector, raw, tmp_path / "none") == {("", 1)}


def test_a_log_of_format_1_is_still_read_and_verified(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes((VECTORS / "log.jsonl").read_bytes())
    opened, *events, closed = read_events(tmp_path)
    assert (opened.format, closed.kind, closed.seq) == (1, "closed", 6)
    assert [event.kind for event in events] == [kind for kind, _ in EVENTS]
    assert verify_directory(tmp_path)[:5] == (7, 1, (), (), ())


@pytest.mark.parametrize("changed", CHANGED, ids=lambda changed: changed.case)
def test_both_verifiers_judge_every_changed_segment_alike(tmp_path: Path, changed: Changed) -> None:
    (tmp_path / NAME).write_bytes(changed.segment.encode())
    found = verify_directory(tmp_path)
    line = found.problems[0].line if found.problems else None
    assert (line, bool(found.torn)) == (changed.first_bad_line, changed.torn)
    assert check_segment(tmp_path / NAME) == (changed.first_bad_line, changed.torn)
    assert found.ok is (changed.first_bad_line is None)
    if line is not None:
        assert found.problems[0][:3] == (NAME, line, line - 1)
        assert found.events == line - 1
        assert str(found.problems[0]).startswith(f"{NAME} line {line} (seq {line - 1}): ")
        assert str(found.problems[0]) in str(found)


def test_any_single_changed_byte_is_found_by_both(tmp_path: Path) -> None:
    good = (VECTORS / "log.jsonl").read_bytes()
    for at in range(len(good)):
        bad = bytearray(good)
        bad[at] ^= 1
        (tmp_path / NAME).write_bytes(bad)
        expected = good.count(b"\n", 0, at) + 1
        found = verify_directory(tmp_path)
        assert [p.line for p in found.problems] == [expected], f"byte {at}"
        assert check_segment(tmp_path / NAME) == (expected, False), f"byte {at}"


def test_a_segment_cut_at_any_byte_is_no_tampering_and_whole_events_are_still_read(tmp_path: Path) -> None:
    good = (VECTORS / "log.jsonl").read_bytes()
    for length in range(len(good)):
        (tmp_path / NAME).write_bytes(good[:length])
        found = verify_directory(tmp_path)
        assert found.ok
        assert found.unclosed == (NAME,)
        assert bool(found.torn) is (length == 0 or good[length - 1 : length] != b"\n")
        assert found.events == good.count(b"\n", 0, length) == len(list(read_events(tmp_path)))
        assert check_segment(tmp_path / NAME) == (None, bool(found.torn))


def test_events_come_back_with_everything_that_was_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_vector(tmp_path, monkeypatch)
    written = list(AccessLog.open(tmp_path).events())
    own = [event for event in written if event.kind in {"opened", "closed"}]
    assert [(event.kind, event.seq, event.format) for event in own] == [
        ("opened", 0, 2),
        ("closed", 4, None),
        ("opened", 5, 2),
        ("closed", 10, None),
    ]
    assert [event.next for event in own] == [None, max(path.name for path in tmp_path.glob("*.jsonl")), None, None]
    events = [event for event in written if event.kind not in {"opened", "closed", "context"}]
    said_so = [*EVENTS, *[("context", CONTEXT)] * 2]
    events += [event for event in written if event.kind == "context"]
    for event, (kind, said) in zip(events, said_so, strict=True):
        assert event.kind == kind
        for name, value in json.loads(b"{" + said + b"}").items():
            assert getattr(event, name) == value
    assert [event.seq for event in written] == list(range(11))
    assert [event.prev for event in written] == ["0" * 64, *[event.hash for event in written[:-1]]]
    assert [event.at.isoformat() for event in events[:2]] == [
        "2026-03-01T09:00:00.800001+00:00",
        "2026-03-01T09:00:01.200001+00:00",
    ]


def test_a_hash_is_the_sha256_of_the_line_before_it(tmp_path: Path) -> None:
    with AccessLog.open(tmp_path) as log:
        log.append("use", b'"actor":"a"')
    for line in next(tmp_path.iterdir()).read_bytes().splitlines():
        body = line[: line.index(b',"hash":')]
        assert json.loads(line)["hash"] == hashlib.sha256(body).hexdigest()


def test_an_event_cannot_be_altered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_vector(tmp_path, monkeypatch)
    event: Event = next(iter(read_events(tmp_path)))
    with pytest.raises(AttributeError):
        event.actor = "someone else"  # type: ignore[misc]


def test_both_verifiers_know_where_something_was_asked_for_and_what_columns_hold(tmp_path: Path) -> None:
    said = {
        "route": "GET /orders/{id}",
        "site": "shop/orders.py:42 in listing",
        "categories": {"customers.email": "email"},
        "narrowed": {"customers.email": ["letters"]},
        "maintenance": True,
    }
    with AccessLog.open(tmp_path) as log:
        log.append("intent", members(**said))
        event = list(log.events())[1]
    assert {name: getattr(event, name) for name in said} == said
    assert verify_directory(tmp_path).ok
    [segment] = tmp_path.iterdir()
    assert check_segment(segment) == (None, False)


@pytest.mark.parametrize(
    "wrong",
    ['"site":7', '"route":[]', '"categories":{"a":1}', '"narrowed":{"a":"b"}', '"narrowed":[]', '"maintenance":1'],
)
def test_both_verifiers_refuse_such_members_of_another_type(tmp_path: Path, wrong: str) -> None:
    with AccessLog.open(tmp_path) as log:
        log.append("intent", wrong.encode())
    [segment] = tmp_path.iterdir()
    assert [problem.line for problem in verify_directory(tmp_path).problems] == [2]
    assert check_segment(segment) == (2, False)
