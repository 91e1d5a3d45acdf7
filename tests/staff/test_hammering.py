"""Several processes that try passwords of one account at once get no more attempts than one would."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

from sqlalchemy import Engine

from sa_privacy.staff.attempts import _AT_ONCE
from tests.staff import world
from tests.staff.test_accounts import NAME, account
from tests.staff.world import Office

PROCESSES, ATTEMPTS_EACH = 2, 15
CODE = """
import sys
from sqlalchemy import create_engine
from sa_privacy import Keyring, LoginRefused, Privacy
from sa_privacy.staff.passwords import Passwords
from tests.staff import world

url, keys, name, times = sys.argv[1:]
engine = create_engine(url)
privacy = Privacy(world.policy(), keys=Keyring.load(keys), log=None, metadata=[])
privacy.install(engine)
office = world.Office(engine, privacy)
plain = Passwords.check


def look(*args):
    print("looked", flush=True)
    return plain(*args)


Passwords.check = look
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(times)):
    try:
        with privacy.request():
            privacy.staff.log_in(engine, name, f"guess number {number}")
    except LoginRefused:
        print("refused", flush=True)
"""


def test_no_more_attempts_than_allowed(office: Office, engine: Engine, tmp_path: Path) -> None:
    account(office)
    world.KEYS.save(tmp_path / "keys.json")
    words = [engine.url.render_as_string(hide_password=False), str(tmp_path / "keys.json"), NAME, str(ATTEMPTS_EACH)]
    command = [sys.executable, "-c", CODE, *words]
    running = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": ":".join(sys.path)}
        )
        for _ in range(PROCESSES)
    ]
    told: Counter[str] = Counter()
    for one in running:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in running:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    for one in running:
        out, _ = one.communicate(timeout=60)
        assert one.returncode == 0
        told.update(out.split())
    assert told == {"looked": _AT_ONCE, "refused": PROCESSES * ATTEMPTS_EACH}
