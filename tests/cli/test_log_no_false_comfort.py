"""No answer of `sa-privacy log` comforts without a reason: "nothing" is only said by a log that could know."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine

from sa_privacy import AccessLog, Keyring, Privacy
from sa_privacy.cli.app import app
from sa_privacy.cli.log.words import BREACH, WORDS
from tests.gate import world
from tests.support.command import CliRunner, Result

RUN = CliRunner()
pytestmark = pytest.mark.backends("sqlite")
QUESTIONS = (["who", "a" * 26], ["by", "staff:1"], ["denied"], ["breach"], ["review"])


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda words: words[0])
@pytest.mark.parametrize("other", [None, "notes.txt", "orders.jsonl"])
def test_a_directory_that_is_no_log_does_not_answer(question: list[str], other: str | None, tmp_path: Path) -> None:
    if other is not None:
        (tmp_path / other).write_text("{}\n")
    ran = RUN.invoke(app, ["log", *question, "--log", str(tmp_path)])
    assert (ran.exit_code, ran.stdout) == (2, ""), ran.output
    assert "there is no access log in" in ran.stderr
    assert "AccessLog.open" in ran.stderr


def test_a_log_that_is_empty_yet_has_a_status_and_no_tail(tmp_path: Path) -> None:
    status, tail = (RUN.invoke(app, ["log", command, "--log", str(tmp_path)]) for command in ("status", "tail"))
    assert (status.exit_code, status.stdout) == (0, "The log is empty.\n")
    assert (tail.exit_code, tail.stdout) == (0, "")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A log that was written with a keyring."""
    engine = create_engine("sqlite://")
    keys = Keyring.generate()
    keys.save(tmp_path / "keys.json")
    Keyring.generate().save(tmp_path / "other.json")
    with AccessLog.open(tmp_path / "log") as log:
        privacy = Privacy(world.POLICY, keys=keys, log=log, metadata=world.Base)
        privacy.install(engine)
        world.fill(privacy, engine)
        privacy.close()
    engine.dispose()
    return tmp_path


def who(
    shop: Path, key: str, *, kind: str = "customer", keys: str = "keys.json", words: tuple[str, ...] = ()
) -> Result:
    place = ["--log", str(shop / "log"), "--keys", str(shop / keys)]
    return RUN.invoke(app, ["log", "who", key, "--kind", kind, *place, *words])


def test_a_keyring_that_the_log_was_not_written_with_finds_nobody_and_says_so(shop: Path) -> None:
    assert who(shop, "1").exit_code == 0
    other = who(shop, "1", keys="other.json")
    assert (other.exit_code, other.stdout) == (2, "")
    assert "it was written with another keyring" in other.stderr


def test_nothing_under_a_key_names_what_was_asked_for(shop: Path) -> None:
    for key, kind in (("1", "costumer"), ("4711", "customer")):
        asked = who(shop, key, kind=kind)
        pseudonym = Keyring.load(shop / "keys.json").pseudonym_key().of(kind, key)
        assert f"Asked for: {pseudonym} ({kind})." in asked.stdout
        assert f"照会した仮名：{pseudonym}" in who(shop, key, kind=kind, words=("--lang", "ja")).stdout
    assert "Asked for" not in who(shop, "1").stdout


def test_both_languages_say_the_same() -> None:
    for words in (WORDS, BREACH):
        assert words["en"].keys() == words["ja"].keys()
        for name, text in words["en"].items():
            assert text.count("{") == words["ja"][name].count("{"), name


def test_a_database_file_that_is_not_there_is_not_made_by_asking(tmp_path: Path) -> None:
    missing = tmp_path / "evidence.db"
    ran = RUN.invoke(app, ["log", "by", "staff:1", "--log", f"sqlite:///{missing}"])
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert f"There is no access log in {missing}: there is no such file." in ran.stderr
    assert not missing.exists()
