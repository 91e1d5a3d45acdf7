"""The second place in a database: SQLite and PostgreSQL, with a log that was set back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from sa_privacy.accesslog import Checkpoints, verify_directory
from sa_privacy.accesslog.sinks.checkpoints import CheckpointTable
from sa_privacy.errors import LogChanged, LogUnavailable
from tests.accesslog.proving import KEY, SAID, World


def test_checkpoints_are_copied_to_a_database_and_held_against_it(tmp_path: Path, engine: Engine) -> None:
    place = CheckpointTable(engine)
    world = World(tmp_path)
    making = Checkpoints(world.log, KEY, place)
    log = world.writer()
    for _ in range(3):
        log.append("use", SAID)
        making.write()
    with engine.begin() as connection:
        rows = connection.execute(text("SELECT number, line FROM sa_privacy_checkpoints ORDER BY number")).all()
    [file] = world.files()
    assert [(row.number, row.line) for row in rows] == list(enumerate(file.read_text().splitlines(), 1))
    found = verify_directory(world.log, key=KEY.public, second=place)
    assert found.ok, str(found)
    assert found.unshown == ()

    before = tmp_path / "before"
    shutil.copytree(world.log, before)
    log.append("use", SAID)
    making.write()
    world.close()
    shutil.rmtree(world.log)
    shutil.move(before, world.log)
    problems = verify_directory(world.log, key=KEY.public, second=place).problems
    assert (problems[0].line, problems[0].seq) == (4, 4)
    assert "second place has them" in problems[0].what
    assert problems[1].what.startswith("cut")
    with pytest.raises(LogChanged, match="second place"):
        Checkpoints(world.log, KEY, place).write()


def test_a_row_that_was_changed_there_is_found(tmp_path: Path, engine: Engine) -> None:
    place = CheckpointTable(engine)
    world = World(tmp_path)
    making = Checkpoints(world.log, KEY, place)
    log = world.writer()
    for _ in range(2):
        log.append("use", SAID)
        making.write()
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE sa_privacy_checkpoints SET line = replace(line, 'seq', 'sex') WHERE number = 1")
        )
    [problem] = verify_directory(world.log, key=KEY.public, second=place).problems
    assert (problem.seq, problem.what[:20]) == (1, "in the second place:")


def test_a_database_that_is_away_leaves_the_checkpoint_in_the_log(tmp_path: Path) -> None:
    world = World(tmp_path)
    url = f"sqlite:///{tmp_path}/none/db.sqlite"
    log = world.writer()
    log.append("use", SAID)
    making = Checkpoints(world.log, KEY, url)
    with pytest.raises(LogUnavailable, match=r"Checkpoint 1 stands in the log.*sqlite database"):
        making.write()
    (tmp_path / "none").mkdir()
    making.write()
    found = verify_directory(world.log, key=KEY.public, second=url)
    assert found.covered is not None
    assert (found.ok, found.covered.behind) == (True, 0)


def test_what_is_no_url_is_refused() -> None:
    with pytest.raises(LogUnavailable, match="no database URL"):
        CheckpointTable("nonsense://x")


def test_a_second_place_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """An unmounted disk would be written beside, unseen."""
    world = World(tmp_path)
    log = world.writer()
    log.append("use", SAID)
    world.second.rmdir()
    with pytest.raises(LogUnavailable, match="second place has not got it"):
        world.checkpoints.write()
    assert not world.second.exists()
    world.second.mkdir()
    log.append("use", SAID)
    assert world.checkpoints.write() is not None
    assert verify_directory(world.log, key=KEY.public, second=world.second).ok
    log.close()
