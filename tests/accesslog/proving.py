"""What the tests of proving share: a log of several writers and segments, with checkpoints, and ways to change it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

from sa_privacy.accesslog import AccessLog, members
from sa_privacy.accesslog.proof.checkpoints import Checkpoints
from sa_privacy.crypto import SigningKey

KEY = SigningKey.generate()
SAID = members(actor="staff:17", purpose=["shipping"], rows=1)


@dataclass
class World:
    """A log, its checkpoints and their second place."""

    root: Path
    key: SigningKey = KEY
    logs: list[AccessLog] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.log = self.root / "log"
        self.second = self.root / "second"
        self.second.mkdir(parents=True, exist_ok=True)
        self.checkpoints = Checkpoints(self.log, self.key, self.second)

    def writer(self, segment_bytes: int = 900) -> AccessLog:
        """One more writer; a segment of this size holds one or two events."""
        log = AccessLog.open(self.log, fsync="never", segment_bytes=segment_bytes)
        self.logs.append(log)
        return log

    def close(self) -> None:
        for log in self.logs:
            log.close()

    def segments(self, writer: str | None = None) -> list[Path]:
        return [path for path in sorted(self.log.glob("*.jsonl")) if writer is None or writer in path.name]

    def files(self) -> list[Path]:
        return sorted(self.log.glob("checkpoints-*.ndjson"))


def small_log(root: Path, writers: int = 2, events: int = 6, each: int = 3) -> World:
    """Writers that take turns, with a checkpoint after each `each` events, and one at the end."""
    world = World(root)
    logs = [world.writer() for _ in range(writers)]
    for number in range(events):
        for log in logs:
            log.append("use", SAID)
        if (number + 1) % each == 0:
            world.checkpoints.write()
    world.close()
    world.checkpoints.write()
    return world


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def seq_of(line: bytes) -> int:
    found = re.search(rb'"seq":(\d+)', line)
    assert found is not None
    return int(found[1])


def chain_anew(all_lines: list[bytes], begin: int) -> list[bytes]:
    """Lines with hashes that fit again, from one on: what somebody careful would write."""
    done = list(all_lines)
    for at in range(begin, len(done)):
        body = done[at][:-76]
        if at > 0:
            body = body[:-65] + done[at - 1][-67:-3] + b'"'
        done[at] = body + b',"hash":"' + hashlib.sha256(body).hexdigest().encode() + b'"}\n'
    return done
