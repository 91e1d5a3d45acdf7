"""``sa-privacy hold``: what must stay as it is for as long as a case lasts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Annotated

import typer

from sa_privacy.cli.application import Application
from sa_privacy.cli.log.asking import as_json, new_table, plain, show_table
from sa_privacy.cli.office import ERASING
from sa_privacy.cli.options import JsonOption, KindOption, OwnerUrlOption
from sa_privacy.cli.spread import spread
from sa_privacy.cli.telling import fail, print_json, say

__all__ = ["app"]

app = typer.Typer(name="hold", help="What must stay as it is for as long as a case lasts.", no_args_is_help=True)

HoldArgument = Annotated[str, typer.Argument(help="The hold, as list names it.", metavar="HOLD", show_default=False)]
WhyOption = Annotated[str, typer.Option("--reason", help="Why; it is sealed.", metavar="TEXT", show_default=False)]
DayOption = Annotated[
    str, typer.Option(help="The day by which somebody looks whether it is still wanted.", metavar="YYYY-MM-DD")
]


@dataclass(frozen=True, kw_only=True)
class Holds(Application):
    """Where the holds are."""

    what = "what is done about holds"
    office = ERASING


@dataclass(frozen=True, kw_only=True)
class Guards(Holds):
    """The same, as the owner of the tables."""

    url: OwnerUrlOption = None


@app.command()
@spread
def place(
    *,
    case: Annotated[str, typer.Option(help="The number of the case.", metavar="NUMBER", show_default=False)],
    reason: WhyOption,
    review_by: DayOption,
    subject: Annotated[
        str | None, typer.Option(help="Everything of a person: the key of their row.", metavar="KEY")
    ] = None,
    kind: KindOption = None,
    row: Annotated[str | None, typer.Option(help="One row.", metavar="TABLE:KEY[,KEY]")] = None,
    table: Annotated[str | None, typer.Option(help="Every row of a table.", metavar="TABLE")] = None,
    query: Annotated[str | None, typer.Option(help="What a condition finds.", metavar="TABLE:SQL")] = None,
    freeze: Annotated[bool, typer.Option("--freeze", help="Values must not be changed either.")] = False,
    desk: Holds,
) -> None:
    """Place a hold on a person, a row, a table, or what a query finds."""
    found, condition, day = _pair(row), _pair(query), _day(review_by)
    if sum(one is not None for one in (subject, row, table, query)) != 1:
        fail("what is to be held?", "say one of --subject, --row, --table and --query.")
    with desk.session("holds") as (privacy, session):
        hold = privacy.holds.place(
            session,
            case=case,
            reason=reason,
            review_by=day,
            subject=subject if subject is None or kind is None else (kind, subject),
            row=None if found is None else (found[0], tuple(found[1].split(","))),
            table=table,
            query=condition,
            freeze=freeze,
        )
    say(f"{hold.id} is in force: case {hold.case}, to be reviewed by {hold.review_by}.", "green")


@app.command()
@spread
def review(
    *,
    hold: HoldArgument,
    reason: WhyOption,
    review_by: DayOption,
    desk: Holds,
) -> None:
    """Say that a hold goes on until another day."""
    with desk.session("holds") as (privacy, session):
        now = privacy.holds.review(session, hold, review_by=_day(review_by), reason=reason)
    say(f"{now.id} goes on, to be reviewed by {now.review_by}.", "green")


@app.command()
@spread
def release(
    *,
    hold: HoldArgument,
    reason: WhyOption,
    desk: Holds,
) -> None:
    """End a hold. What was held back is due again."""
    with desk.session("holds") as (privacy, session):
        privacy.holds.release(session, hold, reason=reason)
    say(f"{hold} is released.", "green")


@app.command(name="list")
@spread
def list_(
    *,
    desk: Holds,
    json: JsonOption = False,
) -> None:
    """The holds in force, the next to be reviewed first. Whose data it is, is not shown."""
    with desk.session("holds") as (privacy, session):
        held = privacy.holds.in_force(session)
    if json:
        said = [{k: v for k, v in asdict(one).items() if k != "person"} for one in held]
        print_json(as_json([one | {"review_by": str(one["review_by"])} for one in said]))
        return
    if not held:
        say("Nothing is held.")
        return
    shown = new_table("Case", "Held", "Since", "Review by", "Placed by", "Hold", whole=["Case", "Hold"])
    for one in held:
        what = one.kind if one.table is None else f"{one.kind} of {one.table}" if one.kind != "table" else one.table
        late = " (overdue)" if one.review_by is not None and one.review_by < date.today() else ""  # noqa: DTZ011 - a day
        cells = (one.case, what + (", frozen" if one.freeze else ""), f"{one.since:%Y-%m-%d}")
        shown.add_row(*map(plain, (*cells, f"{one.review_by or ''}{late}", one.by or "", one.id[:8])))
    show_table(shown)


@app.command()
@spread
def guard(
    *,
    desk: Guards,
) -> None:
    """Make the triggers that keep held rows, as the owner of the tables. Doing it twice changes nothing."""
    with desk.session("holds") as (privacy, session):
        made = privacy.holds.guard(session.connection())
    say(f"guarded: {', '.join(made)}." if made else "the triggers are there, and current.", "green")


def _pair(said: str | None) -> tuple[str, str] | None:
    if said is None:
        return None
    table, colon, rest = said.partition(":")
    if not colon or not rest:
        fail("the table is missing.", '--row orders:17, --query "orders:orders.total > 100".')
    return table, rest


def _day(said: str) -> date:
    try:
        return date.fromisoformat(said)
    except ValueError:
        fail(f"{said} is no day.", "--review-by 2027-03-31.")
