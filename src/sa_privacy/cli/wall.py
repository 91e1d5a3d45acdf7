"""``sa-privacy wall``: the policy compiled into the database's own rules, shown, put up and checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Engine, create_engine, make_url

from sa_privacy.cli.models import load_models, load_object
from sa_privacy.cli.options import JsonOption, ModelsOption, OwnerUrlOption, PolicyOption
from sa_privacy.cli.telling import FOUND, fail, print_json, say, telling
from sa_privacy.columns.catalogue import Catalogue
from sa_privacy.policy import Policy
from sa_privacy.privacy import Privacy
from sa_privacy.privacy.engines import OWN
from sa_privacy.walls import Login, RowSources, TableShape, WallPlan, plan_wall, shapes_of
from sa_privacy.walls.ddl import statements
from sa_privacy.walls.postgresql import Drift, Inspection, apply_wall, inspect_wall

__all__ = ["LoginOption", "app", "wanted_wall"]

app = typer.Typer(name="wall", help="The database's own wall: roles, grants and logins.", no_args_is_help=True)

LoginOption = Annotated[
    list[str] | None,
    typer.Option(
        help="What the application logs in as; with roles of the policy, a zone of its own. Repeatable.",
        metavar="NAME[=ROLE,ROLE,system:JOB,+desk]",
    ),
]
TogetherOption = Annotated[
    list[str] | None,
    typer.Option(help="Purposes that one access declares at once. Repeatable.", metavar="PURPOSE,PURPOSE"),
]
AlsoOption = Annotated[
    list[str] | None,
    typer.Option(help="A table or view without a model, with nothing personal in it. Repeatable.", metavar="RELATION"),
]
_DESK = "+desk"  # no role of a policy is named like it
PrivacyOption = Annotated[
    str | None,
    typer.Option(
        "--privacy",
        help="The application's Privacy, where it restricts rows or keeps consents itself.",
        metavar="MODULE:NAME",
    ),
]


@dataclass(frozen=True)
class Wanted:
    """What all three commands are asked about."""

    policy: Policy
    catalogue: Catalogue
    shapes: tuple[TableShape, ...]
    logins: tuple[Login, ...]
    together: tuple[tuple[str, ...], ...]
    also: tuple[tuple[str, str], ...]
    rows: RowSources

    @property
    def how(self) -> dict[str, Any]:
        """What a plan is made by, beside policy and tables."""
        return {"logins": self.logins, "together": self.together, "also": self.also, "rows": self.rows}

    def plan(self) -> WallPlan:
        """The plan by the models alone."""
        return plan_wall(self.policy, self.catalogue, self.shapes, **self.how)

    def inspect(self, connection: Any) -> Inspection:
        """The plan for the database connected to, and how it differs."""
        return inspect_wall(connection, self.policy, self.catalogue, self.shapes, **self.how)


def wanted_wall(
    policy: Path,
    models: Sequence[str],
    login: list[str] | None,
    together: list[str] | None,
    also: list[str] | None,
    application: str | None,
) -> Wanted:
    """What a command is asked about, read from its options."""
    metadata = load_models(models)
    privacy = Privacy(policy, log=None, metadata=metadata)
    try:
        return Wanted(
            privacy.policy,
            privacy.catalogue,
            (*shapes_of(metadata), *_own_shapes(privacy)),
            tuple(_login(one) for one in login or ()),
            tuple(tuple(_split(one)) for one in together or ()),
            tuple(_relation(one) for one in also or ()),
            (privacy if application is None else _application(application)).row_sources,
        )
    finally:
        privacy.close()


def _own_shapes(privacy: Privacy) -> list[TableShape]:
    """Those of the library's own tables that are looked after."""
    return [one for one in shapes_of([privacy.metadata]) if privacy.catalogue.owns(one.schema, one.table)]


def _application(name: str) -> Privacy:
    found = load_object(name, "Privacy", "name the application's Privacy.")
    if not isinstance(found, Privacy):
        fail(f'"{name}" is no Privacy.', "write --privacy package.module:privacy.")
    return found


def _login(said: str) -> Login:
    name, equals, zone = said.partition("=")
    if not name:
        fail(f'"{said}" names no login.', "write --login NAME, or --login NAME=role,role,system:job,+desk.")
    if not equals:
        return Login(name)
    members = _split(zone)
    systems = tuple(one.removeprefix("system:") for one in members if one.startswith("system:"))
    roles = tuple(one for one in members if one != _DESK and not one.startswith("system:"))
    return Login(name, roles, systems, desk=_DESK in members)


def _split(said: str) -> list[str]:
    return [part.strip() for part in said.split(",") if part.strip()]


def _relation(said: str) -> tuple[str, str]:
    schema, _, name = said.rpartition(".")
    return schema or "public", name


def _owner(url: str) -> Engine:
    """An engine on the database, with a driver that works without asyncio."""
    made = make_url(url)
    if made.get_backend_name() == "sqlite":
        fail(
            "SQLite keeps no roles: its wall stands while the application runs, and there is nothing to apply or check.",
            "privacy.install(engine, walls=True) puts it up.",
        )
    if made.get_backend_name() != "postgresql":
        fail(f"{made.get_backend_name()} is not supported.", "a wall stands on PostgreSQL, and on SQLite at run time.")
    try:
        return create_engine(made.set(drivername="postgresql+psycopg"), execution_options=OWN)
    except ModuleNotFoundError:
        fail("psycopg is not installed.", 'pip install "sa-privacy[postgres]"')


@app.command()
def plan(
    *,
    models: ModelsOption,
    policy: PolicyOption = Path("privacy.toml"),
    url: OwnerUrlOption = None,
    login: LoginOption = None,
    together: TogetherOption = None,
    also: AlsoOption = None,
    application: PrivacyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the SQL of the wall, and what it cannot say. Changes nothing.

    With a database, what it lacks; without one, all of it, by the models alone. The output is SQL that psql takes.
    """
    with telling():
        wanted = wanted_wall(policy, models, login, together, also, application)
        if url is None or make_url(url).get_backend_name() == "sqlite":
            planned = wanted.plan()
            found = Inspection(planned, (), tuple(statements(planned)) if url is None else ())
        else:
            engine = _owner(url)
            try:
                with engine.connect() as connection:
                    found = wanted.inspect(connection)
            finally:
                engine.dispose()
    if as_json:
        print_json(_as_json(found))
        return
    _head(wanted, found.plan)
    for drift in found.drift:
        say(f"-- {drift.kind}: {drift}")
    if found.sql:
        say("BEGIN;")
        for statement in found.sql:
            say(f"{statement};")
        say("COMMIT;")
    elif url is not None and make_url(url).get_backend_name() == "sqlite":
        say(
            "-- SQLite keeps no roles: privacy.install(engine, walls=True) puts the wall up while the application runs."
        )
    else:
        say("-- The wall stands as planned: nothing to do.")
    _tail(found, wanted.logins)


@app.command()
def apply(
    *,
    models: ModelsOption,
    policy: PolicyOption = Path("privacy.toml"),
    url: OwnerUrlOption = None,
    login: LoginOption = None,
    together: TogetherOption = None,
    also: AlsoOption = None,
    application: PrivacyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put the wall up, in one transaction. Run it again after every migration; where nothing differs it does nothing."""
    with telling():
        wanted, engine = wanted_wall(policy, models, login, together, also, application), _owner(_needed(url))
        try:
            with engine.begin() as connection:
                before = wanted.inspect(connection)
                apply_wall(connection, before)
            with engine.connect() as connection:
                after = wanted.inspect(connection)
        finally:
            engine.dispose()
    if as_json:
        print_json({**_as_json(after), "sql": list(before.sql)})
    else:
        number = len(before.sql)
        say(f"{number} statements run." if number else "The wall stands as planned: nothing to do.")
        _list_drift(after.drift)
        _tail(after, wanted.logins, "")
    if after.drift:
        raise typer.Exit(FOUND)


@app.command()
def check(
    *,
    models: ModelsOption,
    policy: PolicyOption = Path("privacy.toml"),
    url: OwnerUrlOption = None,
    login: LoginOption = None,
    together: TogetherOption = None,
    also: AlsoOption = None,
    application: PrivacyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the database with the plan. Exit status 1 where it differs. Changes nothing."""
    with telling():
        wanted, engine = wanted_wall(policy, models, login, together, also, application), _owner(_needed(url))
        try:
            with engine.connect() as connection:
                found = wanted.inspect(connection)
        finally:
            engine.dispose()
    if as_json:
        print_json(_as_json(found))
    elif found.drift:
        _list_drift(found.drift)
    else:
        say("The wall stands as planned.")
    if found.drift:
        raise typer.Exit(FOUND)


def _needed(url: str | None) -> str:
    if url is None:
        fail("which database?", "give --url, or set SA_PRIVACY_URL.")
    return url


def _head(wanted: Wanted, planned: WallPlan) -> None:
    policy = wanted.policy
    tables = len(planned.personal) - len(planned.views)
    say(f"-- The wall of {policy.id}, version {policy.version} ({policy.hash[:19]})")
    say(
        f"-- {len(planned.roles)} roles, {len(planned.members)} logins, {tables} tables with personal data, "
        f"row policies in {len(planned.guarded)}"
    )


def _list_drift(drifts: Sequence[Drift]) -> None:
    for drift in drifts:
        say(
            f"{drift.kind:8} {drift}{'' if drift.mends else '  (by hand)'}",
            style="red" if drift.kind == "extra" else "",
        )
    if drifts:
        mended = sum(drift.mends for drift in drifts)
        say(f"{len(drifts)} differences; sa-privacy wall apply mends {mended}.")


def _tail(found: Inspection, logins: Sequence[Login], mark: str = "-- ") -> None:
    """What the SQL does not say."""
    if not logins:
        say(f"{mark}No login is named, so nobody may act as these roles yet: --login NAME.")
    for name in found.missing:
        say(f"{mark}Not there yet: the table {name}. Run this again once it is made.")
    for name in found.plan.unknown:
        say(f"{mark}Shut, because no model knows it: {name}.")
    if found.plan.not_walled:
        say(f"{mark}Not walled; here the gate stands alone:")
        for one in found.plan.not_walled:
            say(f"{mark}  {one.role}: {', '.join(one.what)}: {one.why}.")


def _as_json(found: Inspection) -> dict[str, Any]:
    planned = found.plan
    return {
        "policy": planned.policy,
        "roles": [{"name": role.name, "purposes": list(role.purposes)} for role in planned.roles],
        "logins": {name: list(roles) for name, roles in planned.members.items()},
        "row_policies": [
            {"table": ".".join(one.table), "name": one.name, "roles": list(one.roles), "using": one.using}
            for one in planned.policies
        ],
        "sql": list(found.sql),
        "drift": [
            {"kind": one.kind, "role": one.role, "what": one.what, "mended_by_apply": one.mends} for one in found.drift
        ],
        "not_walled": [
            {"role": one.role, "kind": one.kind, "what": list(one.what), "why": one.why} for one in planned.not_walled
        ],
        "unknown_columns": list(planned.unknown),
        "missing_tables": list(found.missing),
    }
