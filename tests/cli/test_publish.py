"""`sa-privacy publish --check` says, in sentences, what changed since it was published."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sa_privacy.cli.app import app
from tests.publish.shop import FILE, POLICY, PUBLISHED
from tests.support.command import CliRunner, Result

MODELS = "examples.shop_app.models:Base"
NEW = """
from sqlalchemy.orm import Mapped, declarative_base, mapped_column
from sa_privacy import pii_column

Base = declarative_base()
class Customer(Base):
    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = pii_column(category="name", encrypt=False)
    mobile: Mapped[str] = pii_column(category="phone")
"""


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """What the shop published."""
    shutil.copytree(PUBLISHED, tmp_path / "published")
    return tmp_path / "published"


@pytest.fixture
def check(published: Path, tmp_path: Path) -> Callable[..., Result]:
    """Checks it, with changes to the policy."""

    def run(*changes: tuple[str, str], models: str = MODELS, more: tuple[str, ...] = ()) -> Result:
        text = FILE.read_text(encoding="utf-8")
        for before, after in changes:
            assert before in text
            text = text.replace(before, after)
        policy = tmp_path / "privacy.toml"
        policy.write_text(text, encoding="utf-8")
        command = ["publish", "--models", models, "--policy", str(policy), "--out", str(published), "--check", *more]
        return CliRunner().invoke(app, command)

    return run


def test_what_follows_from_policy_and_models_holds(check: Callable[..., Result]) -> None:
    ran = check()
    assert (ran.exit_code, ran.stdout) == (0, "what is published holds.\n")
    assert check(('id = "belue-shop"', 'id   =   "belue-shop"')).exit_code == 0  # the way it is written means nothing


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (
            'use = ["usage_history", "name", "address", "email"]',
            'read = ["usage_history", "name", "address", "email", "phone"]\nmatch = ["name"]',
            "purpose campaigns now reads phone; the published notice does not say so",
        ),
        (
            'use = ["name", "address", "phone"]\ndpv',
            'use = ["name", "address"]\ndpv',
            "purpose shipping no longer reads, finds rows by and writes phone; the published notice still has it",
        ),
        (
            'consent = "opt_in"  ',
            'consent = "opt_out"  ',
            'purpose campaigns: consent is "opt_out"; published is "opt_in"',
        ),
        (
            "[systems.nightly-usage-report]",
            "[systems.weekly]",
            "system weekly is new; the published notice does not say so",
        ),
        (
            "[systems.nightly-usage-report]",
            "[systems.weekly]",
            "system nightly-usage-report is gone; the published notice still",
        ),
        ('disclose = ["delivery_company"]', "", "role warehouse no longer may give data to delivery_company;"),
        ('period = "P3Y"\naction', 'period = "P4Y"\naction', 'schedule customers: period is "P4Y"; published is "P3Y"'),
        ('answer_within = "P14D"', 'answer_within = "P30D"', 'requests: answer_within is "P30D"; published is "P14D"'),
        ('en = "Name"', 'en = "Full name"', 'category name: title.en is "Full name"; published is "Name"'),
    ],
)
def test_a_change_of_the_policy_is_told(check: Callable[..., Result], before: str, after: str, told: str) -> None:
    ran = check((before, after))
    assert ran.exit_code == 1
    assert told in ran.stdout
    assert "\nbehind: data-map.en.html, data-map.en.svg" in ran.stdout
    assert "policy: " not in ran.stdout
    assert "a hand" not in ran.stdout


def test_a_change_of_the_models_is_told(
    check: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other_models.py").write_text(NEW)
    monkeypatch.syspath_prepend(str(tmp_path))
    ran = check(models="other_models:Base")
    assert ran.exit_code == 1
    lines = ran.stdout.splitlines()
    assert "column customers.mobile (phone) is new; the published notice does not say so" in lines
    assert "column orders.amount (amount) is gone; the published notice still has it" in lines
    assert "column customers.name is no longer sealed; the published record says otherwise" in lines


def test_what_a_hand_did_to_the_files_is_told(check: Callable[..., Result], published: Path) -> None:
    notice = published / "notice.ja.md"
    text = notice.read_text(encoding="utf-8")
    notice.write_text(text.replace("2年", "20年", 1), encoding="utf-8")
    line = text.partition("2年")[0].count("\n") + 1
    (published / "policy.jsonld").unlink()
    ran = check(more=("--json",))
    assert ran.exit_code == 1
    found = json.loads(ran.stdout)
    assert found["policy"] == POLICY.hash
    assert found["differences"] == [
        f"notice.ja.md, line {line}, is not what the policy and the models give; a hand or another release wrote it",
        "policy.jsonld is not there",
    ]


def test_what_nothing_makes_any_more_is_told(check: Callable[..., Result]) -> None:
    ran = check(more=("--language", "en"))
    assert ran.exit_code == 1
    assert "notice.ja.md is published, and nothing makes it any more" in ran.stdout


@pytest.mark.parametrize("record", [None, "", "{", "[]", '{"policy": {}, "files": 1, "facts": {}}'])
def test_without_a_record_nothing_is_guessed(check: Callable[..., Result], published: Path, record: str | None) -> None:
    path = published / "processing.json"
    path.unlink()
    if record is not None:
        path.write_text(record)
    ran = check()
    assert ran.exit_code == 1
    assert "processing.json is not there, or is no record" in ran.stdout


def test_nothing_published_and_a_language_that_there_is_not(check: Callable[..., Result], published: Path) -> None:
    shutil.rmtree(published)
    assert "nothing is published in" in check().stdout
    ran = check(more=("--language", "fr"))
    assert ran.exit_code == 2
    assert 'the policy is not told in "fr"' in ran.stderr
    assert not published.exists()


def test_a_directory_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ran = CliRunner().invoke(
        app, ["publish", "--models", MODELS, "--policy", str(FILE), "--out", str(tmp_path / "file" / "below")]
    )
    assert ran.exit_code == 2
    assert "cannot be written" in ran.stderr
