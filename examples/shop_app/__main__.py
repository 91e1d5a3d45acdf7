"""``python -m examples.shop_app demo``: a walk through the shop, in the terminal."""

from __future__ import annotations

import argparse
import io
import shlex
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from examples.shop_app.data import CUSTOMERS
from examples.shop_app.demo import tour
from examples.shop_app.demo.stage import new_console
from examples.shop_app.demo.wall_postgresql import Unsuitable, look_at

_QUESTIONS = """\
export PATH="$PWD/.venv/bin:$PATH" SA_PRIVACY_LOG={kept}/access-log
sa-privacy log who 1 --kind customer --keys {kept}/keys.json --policy examples/shop_app/privacy.toml
sa-privacy log by staff:17
sa-privacy log denied
sa-privacy log breach --actor staff:58 --policy examples/shop_app/privacy.toml
export SA_PRIVACY_URL=sqlite:///{kept}/shop.db
sa-privacy staff report --as staff:1 --policy examples/shop_app/privacy.toml --keys {kept}/keys.json
sa-privacy consents history 2 --models examples.shop_app.models:Base --policy examples/shop_app/privacy.toml --keys {kept}/keys.json
sa-privacy hold list --models examples.shop_app.models:Base --policy examples/shop_app/privacy.toml --keys {kept}/keys.json
sa-privacy requests list --models examples.shop_app.models:Base --policy examples/shop_app/privacy.toml --keys {kept}/keys.json
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m examples.shop_app", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="make the shop from nothing and walk through it")
    demo.add_argument("--keep", metavar="DIR", type=Path, help="leave database, keys and log in this new directory")
    demo.add_argument(
        "--customers", metavar="N", type=int, default=CUSTOMERS, help=f"at least 2; {CUSTOMERS} if not said"
    )
    demo.add_argument("--lang", choices=("en", "ja"), default="en", help="of the policy's titles")
    demo.add_argument(
        "--postgresql",
        metavar="URL",
        help="an empty PostgreSQL database, as its owner: the wall is tried there too, with psql",
    )
    chosen = parser.parse_args(arguments)
    if chosen.customers < 2:
        parser.error("--customers must be at least 2")
    if chosen.keep is not None and chosen.keep.exists() and (not chosen.keep.is_dir() or any(chosen.keep.iterdir())):
        parser.error(f"{chosen.keep} is there already; name a new directory")
    database = None
    if chosen.postgresql:
        try:
            database = make_url(chosen.postgresql)
            look_at(database)
        except (Unsuitable, ArgumentError) as error:
            parser.error(f"--postgresql: {error}")
        except OperationalError:
            parser.error("--postgresql: nobody answers there, or not to this owner")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without Japanese letters still gets the rest
    console = new_console()
    if chosen.keep is None:
        with tempfile.TemporaryDirectory(prefix="shop-") as directory:
            tour(
                Path(directory),
                console,
                customers=chosen.customers,
                language=chosen.lang,
                database=database,
                passing=True,
            )
    else:
        chosen.keep.mkdir(parents=True, exist_ok=True)
        tour(chosen.keep, console, customers=chosen.customers, language=chosen.lang, database=database)
        console.print(
            f"Kept in {chosen.keep}: shop.db, keys.json, access-log/, the forged copy, erasures/, the restored backup, and "
            "file-of-customer-2.html."
        )
        console.print("Ask the log and the ledgers, here in the environment that make demo set up:")
        for line in _QUESTIONS.format(kept=shlex.quote(str(chosen.keep))).splitlines():
            console.print(f"  {line}", soft_wrap=True, markup=False, highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
