"""``python -m examples.shop_app.web``: starts the shop."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import uvicorn
from sqlalchemy import make_url

from examples.shop_app.web.app import create_app
from examples.shop_app.web.policy import OFFICER
from examples.shop_app.web.seed import EMPLOYEES, PASSWORD, customer_logins
from examples.shop_app.web.shop import CUSTOMERS, open_shop


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m examples.shop_app.web", description=__doc__)
    parser.add_argument("--keep", metavar="DIR", type=Path, help="keep database, keys and log here, and use them again")
    parser.add_argument(
        "--customers", metavar="N", type=int, default=CUSTOMERS, help=f"at least 5; {CUSTOMERS} if not said"
    )
    parser.add_argument("--port", type=int, default=8000)
    chosen = parser.parse_args(arguments)
    if chosen.customers < 5:
        parser.error("--customers must be at least 5")
    url = make_url(os.environ["DATABASE_URL"]) if os.environ.get("DATABASE_URL") else None
    if url is not None and url.get_backend_name() != "postgresql":
        parser.error(
            "DATABASE_URL names a PostgreSQL database, as the owner of its tables: postgresql://owner@host/database"
        )
    if url is not None and chosen.keep is None:
        parser.error("on PostgreSQL the keys have to outlive the program: KEEP=directory, or --keep")
    with ExitStack() as stack:
        directory = chosen.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shop-")))
        directory.mkdir(parents=True, exist_ok=True)
        print("Opening the shop ...", flush=True)
        shop = open_shop(directory, url, customers=chosen.customers)
        stack.callback(shop.close)
        _say(f"http://127.0.0.1:{chosen.port}", shop.engine.dialect.name, directory, kept=chosen.keep is not None)
        uvicorn.run(create_app(shop), host="127.0.0.1", port=chosen.port, log_level="warning")
    return 0


def _say(url: str, database: str, directory: Path, *, kept: bool) -> None:
    where = (
        "with the wall up" if database == "postgresql" else f"in {directory}" + ("" if kept else ", gone at the end")
    )
    print(f"\n  {url}   on {database}, {where}. Ctrl-C ends it.\n")
    print(f'  The password of everybody is "{PASSWORD}".\n')
    print(f"  customers   {url}/sign-in")
    for email in customer_logins():
        print(f"      {email}")
    print(f"  employees   {url}/staff/sign-in")
    for name, role in EMPLOYEES.items():
        print(f"      {name:<8} {'privacy officer' if role == OFFICER else role.replace('_', ' ')}")
    print(flush=True)


if __name__ == "__main__":
    sys.exit(main())
