"""``sa-privacy log verify``, ``checkpoint``, ``keygen`` and ``keep``, as typed."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import stat
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from distributed import Client, LocalCluster

from sa_privacy.accesslog import AccessLog
from sa_privacy.cli.app import app
from sa_privacy.executors import Cluster
from tests.accesslog.events import ENVIRONMENT
from tests.accesslog.proving import SAID
from tests.support.command import CliRunner, Result

POLICY = """
[policy]
id = "shop"
version = "1"
[categories.name]
[purposes.shipping]
use = ["name"]
[log]
compress_after = "P7D"
keep = "P3Y"
"""

_CLUSTER: Any = LocalCluster  # untyped
#: The port of the dashboard that is not there is looked at all the same: one cluster would be in another's way.
_TWO: dict[str, Any] = {
    "n_workers": 2,
    "threads_per_worker": 1,
    "dashboard_address": None,
    "scheduler_kwargs": {"dashboard_address": ":0"},
    "silence_logs": logging.CRITICAL,
}
_CLIENT: Any = partial(Client, set_as_default=False)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["log", *map(str, words)], terminal_width=300)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    with AccessLog.open(tmp_path / "log") as log:
        for _ in range(3):
            log.append("use", SAID)
    assert run("keygen", tmp_path / "key.pem").exit_code == 0
    return log.path


def test_a_key_pair_is_made_once_and_its_private_half_is_private(tmp_path: Path) -> None:
    done = run("keygen", tmp_path / "key.pem", "--json")
    said = json.loads(done.stdout)
    assert len(said["id"]) == 16
    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600
    assert "PRIVATE" in (tmp_path / "key.pem").read_text()
    assert "PUBLIC" in (tmp_path / "key.pem.pub").read_text()
    again = run("keygen", tmp_path / "key.pem", "--public", tmp_path / "other.pub")
    assert again.exit_code == 2
    assert "exists already" in again.stderr
    assert not (tmp_path / "other.pub").exists()


def test_a_log_is_checkpointed_and_verified(tmp_path: Path, log: Path) -> None:
    key, second = tmp_path / "key.pem", tmp_path / "second"
    second.mkdir()
    made = run("checkpoint", "--log", log, "--key", key, "--second", second)
    assert made.exit_code == 0, made.stderr
    assert "checkpoint 1" in made.stdout
    assert "nothing is new" in run("checkpoint", "--log", log, "--key", key, "--second", second).stdout
    done = run("verify", "--log", log, "--key", f"{key}.pub", "--second", second)
    assert done.exit_code == 0, done.stdout
    assert "5 events in 1 segments: the log holds." in done.stdout
    assert "not shown" not in done.stdout
    said = json.loads(run("verify", "--log", log, "--json").stdout)
    assert said["ok"]
    assert said["covered"]["signed"] is False
    assert len(said["not_shown"]) == 2


def test_what_is_wrong_is_said_with_status_1(tmp_path: Path, log: Path) -> None:
    key = tmp_path / "key.pem"
    run("checkpoint", "--log", log, "--key", key)
    [segment] = log.glob("*.jsonl")
    segment.write_bytes(segment.read_bytes().replace(b"staff:17", b"staff:18", 1))
    done = run("verify", "--log", log, "--key", f"{key}.pub")
    assert done.exit_code == 1
    assert f"{segment.name} line 2 (seq 1): changed" in done.stdout
    said = json.loads(run("verify", "--log", log, "--json").stdout)
    assert said["problems"][0]["writer"] == segment.name[-22:-6]
    refused = run("checkpoint", "--log", log, "--key", key)
    assert refused.exit_code == 0  # nothing is new: what was signed before is verify's to check
    segment.write_bytes(segment.read_bytes()[:-100])
    refused = run("checkpoint", "--log", log, "--key", key)
    assert refused.exit_code == 1
    assert "line 2 (seq 1)" in refused.stderr


@pytest.mark.parametrize(
    "words", [("verify", "--log", "none"), ("checkpoint", "--log", "none", "--key", "k"), ("keep", "--log", "none")]
)
def test_what_cannot_be_looked_at_is_status_2(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = run(*words)
    assert done.exit_code == 2
    assert "there is no access log in none" in done.stderr


def test_a_key_of_another_kind_is_refused(tmp_path: Path, log: Path) -> None:
    done = run("verify", "--log", log, "--key", tmp_path / "key.pem")
    assert done.exit_code == 2
    assert "no Ed25519 public key" in done.stderr
    done = run("checkpoint", "--log", log, "--key", tmp_path / "key.pem.pub")
    assert done.exit_code == 2


def test_checkpoints_go_on_until_they_are_told_to_end(tmp_path: Path, log: Path) -> None:
    command: list[str | Path] = ["log", "checkpoint", "--log", log, "--key", tmp_path / "key.pem", "--every", "0.1"]
    code = "import sys; from sa_privacy.cli import main; main()"
    with subprocess.Popen([sys.executable, "-c", code, *command], env=ENVIRONMENT) as process:
        ends = time.monotonic() + 30
        while not list(log.glob("checkpoints-*")) and time.monotonic() < ends:
            time.sleep(0.05)
        with AccessLog.open(log) as more:
            more.append("use", SAID)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    said = json.loads(run("verify", "--log", log, "--key", tmp_path / "key.pem.pub", "--json").stdout)
    assert said["ok"]
    assert said["covered"]["events_after"] == 0


def test_the_policy_says_how_long_a_log_is_kept(tmp_path: Path, log: Path) -> None:
    policy = tmp_path / "privacy.toml"
    policy.write_text(POLICY)
    [segment] = log.glob("*.jsonl")
    done = json.loads(run("keep", "--log", log, "--policy", policy, "--json").stdout)
    assert done["compressed"] == []
    old = time.time() - 8 * 86_400
    os.utime(segment, (old, old))
    assert "would be compressed" in run("keep", "--log", log, "--policy", policy, "--dry-run").stdout
    assert segment.exists()
    assert f"compressed: {segment.name}" in run("keep", "--log", log, "--policy", policy).stdout
    assert [path.name for path in log.iterdir()] == [segment.name + ".gz"]
    assert run("verify", "--log", log).exit_code == 0
    policy.write_text(POLICY.split("[log]", maxsplit=1)[0])
    assert run("keep", "--log", log, "--policy", policy).exit_code == 2


def test_a_period_that_is_none_is_a_fault_of_the_policy(tmp_path: Path, log: Path) -> None:
    policy = tmp_path / "privacy.toml"
    policy.write_text(POLICY.replace("P3Y", "3 years"))
    done = run("keep", "--log", log, "--policy", policy)
    assert done.exit_code == 2
    assert "keep" in done.stderr
    assert "P3Y" in done.stderr


def test_a_cluster_verifies_a_log(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes of a real Dask cluster."""
    monkeypatch.setattr("sa_privacy.accesslog.proof.pieces.PIECE", 30_000)
    with AccessLog.open(log) as more:
        for _ in range(1_000):
            more.append("use", SAID)
    with _CLUSTER(**_TWO) as cluster:
        done = run("verify", "--log", log, "--dask", cluster.scheduler_address)
        with _CLIENT(cluster) as client, Cluster(client) as pool, pytest.raises(ValueError, match="the second time"):
            pool.submit(lost_with_its_worker, log.with_name("first")).result(60)
        monkeypatch.setattr("distributed.versions._version_cached", "0.{}".format)
        other = run("verify", "--log", log, "--dask", cluster.scheduler_address)
    assert other.exit_code == 2
    assert re.search(r"worker tcp://.* has sa-privacy .*, and this process has 0\.sa-privacy\.", other.stderr)
    assert done.exit_code == 0, done.stderr
    assert "1007 events in 2 segments: the log holds." in done.stdout
    monkeypatch.setattr("sa_privacy.cli.cluster._SECONDS", 0.2)
    away = run("verify", "--log", log, "--dask", "tcp://127.0.0.1:1")
    assert away.exit_code == 2
    assert "no Dask scheduler" in away.stderr


class _Dies:
    """Ends the process that would send it."""

    def __reduce__(self) -> str | tuple[Any, ...]:
        os._exit(1)


def lost_with_its_worker(first: Path) -> _Dies:
    """Done once, and then in vain."""
    if first.exists():
        raise ValueError("the second time")
    first.touch()
    return _Dies()


def test_a_run_that_was_broken_off_is_noted_of_files_only(log: Path, tmp_path: Path) -> None:
    done = run("verify", "--log", log, "--resume", tmp_path / "notes")
    assert done.exit_code == 0, done.stderr
    assert not (tmp_path / "notes").exists()
    refused = run("verify", "--log", "sqlite:///nowhere.db", "--resume", tmp_path / "notes")
    assert refused.exit_code == 2
    assert "leave --resume out" in refused.stderr
