"""The order of the chapters."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text
from sqlalchemy import URL

from examples.shop_app.data import fill
from examples.shop_app.demo.asking import show_asking
from examples.shop_app.demo.campaign import show_campaign
from examples.shop_app.demo.copies import show_copies
from examples.shop_app.demo.emergency import show_emergency
from examples.shop_app.demo.erasing import show_erasing
from examples.shop_app.demo.giving import show_giving
from examples.shop_app.demo.keeping import show_keeping
from examples.shop_app.demo.loads import show_loads, show_memory
from examples.shop_app.demo.need import show_need
from examples.shop_app.demo.pledge import show_pledge
from examples.shop_app.demo.promise import show_matrix, show_policy
from examples.shop_app.demo.record import show_chain, show_log
from examples.shop_app.demo.refusals import show_refusals
from examples.shop_app.demo.search import show_search
from examples.shop_app.demo.stage import Stage, open_shop
from examples.shop_app.demo.storage import show_storage
from examples.shop_app.demo.wall import show_wall

__all__ = ["tour"]

_NEXT = """\
examples/shop_app/models.py      what the shop stores
examples/shop_app/privacy.toml   the policy; give "shipping" another category and run the demo again
README.md                        how to bring this into an application of your own
src/sa_privacy/privacy/          where policy, keys, log and engines meet; gate/engine.py decides
docs/access-log.md               who saw whose data, after a breach, four eyes: sa-privacy log
docs/walls.md                    the wall on PostgreSQL: roles, grants, logins, poolers
docs/staff.md                    who may act in which role, pledges (chapter 8)
docs/consent.md                  what people agreed to (chapter 9)
docs/disclosure.md               whom data is given to (chapter 10)
docs/requests.md                 what people ask for (chapter 11)
docs/retention.md, docs/holds.md  how long what is kept, and what must stay (chapter 12)
docs/erasure.md                  how a person is erased (chapter 13)
docs/backups.md                  how nobody comes back with a backup (chapter 14)
docs/need-to-know.md             which rows a role reaches (chapter 19)
docs/tables.md                   the tables in which the library keeps all that
docs/glossary.md                 the words, in English and Japanese
"""


def tour(
    directory: Path,
    console: Console,
    *,
    customers: int,
    language: str = "en",
    database: URL | None = None,
    passing: bool = False,
) -> None:
    """Makes a shop in an empty directory and walks through it.

    :param customers: how many generated customers it has; at least 2.
    :param language: ``"en"`` or ``"ja"``: of the policy's titles, and of the customer looked at.
    :param database: an empty PostgreSQL database, where the wall is tried with psql.
    :param passing: whether the directory goes away afterwards, which is said then.
    """
    console.print(Text("A shop that keeps its privacy policy", style="bold"))
    if passing:
        console.print(
            "Its files are in a temporary folder, gone at the end; make demo KEEP=DIR (--keep DIR) leaves them."
        )
    privacy, log, engine = open_shop(directory)
    try:
        stage = Stage(directory, privacy, log, engine, console, language, someone=1 if language == "ja" else 2)
        _fill(stage, customers)
        show_policy(stage)
        show_matrix(stage)
        show_loads(stage)
        show_refusals(stage)
        show_storage(stage)
        show_search(stage)
        show_memory(stage)
        show_pledge(stage)
        show_campaign(stage)
        show_giving(stage)
        show_asking(stage)
        show_keeping(stage)
        show_copies(stage, *show_erasing(stage))
        show_emergency(stage)
        show_log(stage)
        show_chain(stage)
        show_wall(stage, database)
        show_need(stage)  # last: its rule holds for all that follows
        stage.chapter("What next", "Two files are the shop's own: its models and its policy. Read them first.")
        console.print(_NEXT, end="")
    finally:
        privacy.close()
        engine.dispose()


def _fill(stage: Stage, customers: int) -> None:
    started = time.perf_counter()
    columns = (TextColumn("  generating customers"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=stage.console, transient=True) as progress:
        bar = progress.add_task("", total=customers)
        rows = fill(stage.privacy, stage.engine, customers, progress=lambda written: progress.advance(bar, written))
    made = ", ".join(f"{number:,} {table.replace('_', ' ')}" for table, number in rows.items())
    stage.say(
        f"""Made from nothing in {time.perf_counter() - started:.1f} s on SQLite: {made}. Every person is generated;
        nobody here exists. They were written under a maintenance access, and that is in the log too."""
    )
