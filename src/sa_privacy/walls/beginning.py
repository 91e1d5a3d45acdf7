"""Saying something to PostgreSQL in the message that begins a transaction, so that it costs no message of its own."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["begin_saying"]


def begin_saying(driver: Any, sql: str) -> bool:
    """Begins the transaction that psycopg is about to begin, and runs `sql` in it: both in one message.

    psycopg sends BEGIN by itself before the first statement of a transaction, and waits for the answer. Where one is there
    already, it sends none.

    :param driver: a connection of whichever driver.
    :param sql: one statement with nothing of a user's in it but quoted strings.
    :returns: False where nothing was done: another driver, a transaction that is under way, or one of another kind.
    :raises psycopg.Error: the server refuses `sql`; the transaction has begun, and failed.
    """
    psycopg = sys.modules.get("psycopg")
    if psycopg is None or not isinstance(driver, psycopg.Connection):
        return False
    server = driver.pgconn
    if (
        server.transaction_status != psycopg.pq.TransactionStatus.IDLE
        or server.pipeline_status != psycopg.pq.PipelineStatus.OFF
        or driver.autocommit
        or "\0" in sql
        or driver.isolation_level is not None
        or driver.read_only is not None
        or driver.deferrable is not None
        or server.parameter_status(b"client_encoding") != b"UTF8"
        or server.parameter_status(b"standard_conforming_strings") != b"on"
    ):
        return False
    with driver.lock:
        server.send_query(b"BEGIN; " + sql.encode())
        results = driver.wait(psycopg.generators.execute(server))
    if results[-1].status != psycopg.pq.ExecStatus.TUPLES_OK:
        raise psycopg.errors.error_from_result(results[-1], encoding="utf-8")
    return True
