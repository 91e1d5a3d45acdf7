"""A PgBouncer in transaction mode before a test's PostgreSQL server: every client shares one server connection.

PgBouncer is a program of the machine (Debian's package `pgbouncer`); there is no wheel of it. Where it is missing, the
tests that need it are left out and the end of the run says so, but in CI they fail.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg
from sqlalchemy import URL

from tests.support.postgres import Owner, ServerFailed

__all__ = ["find_pgbouncer", "pgbouncer"]

PORT: Final = 6432  # only the socket's name
START_SECONDS: Final = 20
SETTINGS: Final = """
[databases]
* = host={server} port={port}
[pgbouncer]
unix_socket_dir = {home}
unix_socket_mode = 0777
listen_port = {own_port}
auth_type = trust
auth_file = {home}/users
pool_mode = transaction
default_pool_size = 1
ignore_startup_parameters = extra_float_digits
logfile = {home}/log
"""


def find_pgbouncer() -> str | None:
    """The program, also where it lies out of an ordinary user's path."""
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")


@contextmanager
def pgbouncer(database: URL, user: str) -> Iterator[URL]:
    """Starts one before the server of `database`, for clients that say they are `user`.

    :returns: the address to use instead.
    :raises ServerFailed: it is not installed, or does not come up.
    """
    program = find_pgbouncer()
    if program is None:
        raise ServerFailed("no pgbouncer found\n  hint: on Debian and Ubuntu, apt-get install pgbouncer")
    owner = Owner.choose()
    home = Path(tempfile.mkdtemp(prefix="sap-pool-", dir="/tmp"))
    owner.own(home)
    home.chmod(0o755)
    settings, users = home / "ini", home / "users"
    server, port = database.query["host"], database.query["port"]
    settings.write_text(SETTINGS.format(server=server, port=port, home=home, own_port=PORT))
    users.write_text(f'"{user}" ""\n')
    for path in (settings, users):
        owner.own(path)
    process = subprocess.Popen(
        [program, "--quiet", settings], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={"PATH": os.defpath}, cwd=home, **owner.ids,
    )  # fmt: skip
    url = database.set(username=user).update_query_dict({"host": str(home), "port": str(PORT)})
    try:
        _wait(process, url, home / "log")
        yield url
    finally:
        process.terminate()
        process.wait(timeout=START_SECONDS)
        shutil.rmtree(home, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], url: URL, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    said = {"host": url.query["host"], "port": url.query["port"], "user": url.username, "dbname": url.database}
    while True:
        try:
            psycopg.connect(**said, prepare_threshold=None).close()  # type: ignore[arg-type]
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                last = log.read_text(errors="replace")[-2000:] if log.exists() else ""
                raise ServerFailed(f"pgbouncer did not come up:\n{last}") from error
            time.sleep(0.05)
        else:
            return
