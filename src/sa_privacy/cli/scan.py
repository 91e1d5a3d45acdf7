"""``sa-privacy scan``: which columns look personal, and a patch that says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text
from sqlalchemy import Connection, MetaData, Table, inspect

from sa_privacy.cli.database import connecting
from sa_privacy.cli.models import load_models, tables_of
from sa_privacy.cli.options import JsonOption, Language, LanguageOption
from sa_privacy.cli.telling import fail, plain, print_json, say, telling
from sa_privacy.columns.own_tables import OWN_PREFIX
from sa_privacy.discovery import (
    KINDS,
    LIKELY,
    Finding,
    Owner,
    Patch,
    Scan,
    columns_section,
    draw_patch,
    in_words,
    sample,
    scanned_tables,
)
from sa_privacy.discovery import scan as look
from sa_privacy.errors import PolicyError
from sa_privacy.jobs import examine
from sa_privacy.policy import Policy

__all__ = ["scan"]


_TITLES = {
    "en": ("Column", "Looks like", "Sure", "Why"),
    "ja": ("列", "推定", "確度", "理由"),
}
_NOTHING = {"en": "Nothing looks personal.", "ja": "個人情報らしい列は見つかりませんでした。"}
_SUMMARY = {
    "en": "{0} of {1} columns look personal; {2} are annotated already; values of {3} were sampled.",
    "ja": "{1} 列中 {0} 列が個人情報らしい列です。注釈済み {2} 列、値を抽出して調べた列 {3} 列。",
}
_OWNERS = {"en": "Whose the rows are:", "ja": "行の主体:"}
_MOST_REASONS = 4
#: What the models say, too, and is judged there with the lookup that the column would get.
_OF_LOOKUPS = frozenset({"model", "unique", "index"})


def scan(
    *,
    targets: Annotated[
        list[str],
        typer.Argument(
            help="Models (module:Base), a database (postgresql://..., sqlite:///...), or both.",
            metavar="MODULE:BASE|URL...",
            show_default=False,
        ),
    ],
    policy: Annotated[
        Path | None,
        typer.Option(help="The policy: gives categories their names, and says what is known.", metavar="FILE"),
    ] = None,
    size: Annotated[int, typer.Option("--sample", min=1, max=10_000, help="Rows to read of each table.")] = 200,
    no_values: Annotated[bool, typer.Option("--no-values", help="Read no values.")] = False,
    at_least: Annotated[
        int, typer.Option(min=0, max=100, help="Leave out what is less sure than this, in percent.")
    ] = 50,
    lang: LanguageOption = Language.en,
    as_json: JsonOption = False,
    patch: Annotated[
        Path | None, typer.Option(help="Write annotations as a diff, for patch -p1 or git apply.", metavar="FILE")
    ] = None,
    seal: Annotated[
        bool, typer.Option("--seal/--no-seal", help="In the patch: seal what can be sealed, or only annotate.")
    ] = True,
) -> None:
    """Show which columns look personal, and why. Changes nothing.

    Values are read from a database alone, a few rows of each table; they are counted, and neither shown nor kept.
    """
    urls = [one for one in targets if "://" in one]
    names = [one for one in targets if "://" not in one]
    if len(urls) > 1:
        fail("one database at a time.", "scan them one after the other.")
    if patch is not None and not names:
        fail("a patch changes models, and none are named.", "sa-privacy scan module:Base URL --patch FILE")
    with telling():
        document = None if policy is None else Policy.load(policy)
        models = load_models(names)
        known = {} if document is None else {name: rule.category for name, rule in document.columns.items()}
        with _connection(urls) as connection:
            tables = scanned_tables(_tables(models, connection))
            sampler = None if connection is None or no_values else _sampler(connection, size)
            found = look(tables, known=known, policy=document, at_least=at_least / 100, sampler=sampler)
            against = {} if connection is None else _against(connection, found, tables)
        drawn = (
            None
            if patch is None
            else draw_patch(found, tables, root=Path.cwd(), policy=policy, seal=seal, against=against)
        )
    if as_json:
        print_json(_as_json(found))
    else:
        _tell(found, lang.value)
    if patch is not None and drawn is not None:
        patch.write_text(drawn.text, encoding="utf-8", errors="surrogateescape", newline="")
        _tell_patch(patch, drawn, seal=seal, quiet=as_json)


@contextmanager
def _connection(urls: Sequence[str]) -> Iterator[Connection | None]:
    if not urls:
        yield None
        return
    with connecting(urls[0]) as engine, engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        yield connection


def _tables(models: Sequence[MetaData], connection: Connection | None) -> list[Table]:
    """The models' tables; without models, those of the database."""
    if models or connection is None:
        return tables_of(*models)
    metadata = MetaData()
    known = inspect(connection)
    for schema in known.get_schema_names():
        if schema not in ("information_schema", "temp") and not schema.startswith("pg_"):
            metadata.reflect(
                connection, schema=None if schema == known.default_schema_name else schema, resolve_fks=False
            )
    return [table for table in tables_of(metadata) if not table.name.startswith(OWN_PREFIX)]


def _sampler(connection: Connection, size: int) -> Callable[[Table], Mapping[str, Sequence[str]]]:
    return lambda table: sample(connection, table, size)


def _against(connection: Connection, found: Scan, tables: Sequence[Table]) -> dict[str, str]:
    """What the database has against sealing the columns that were found."""
    by_name = {table.fullname: table for table in tables}
    against: dict[str, str] = {}
    for one in found.findings:
        table = by_name[one.table]
        try:
            reasons = [
                each for each in examine(connection, table, table.columns[one.column]) if each.kind not in _OF_LOOKUPS
            ]
        except PolicyError:  # the database has no such column yet
            continue
        if reasons:
            against[one.name] = f"the database has a {reasons[0].kind} on it"
    return against


def _tell(found: Scan, lang: str) -> None:
    tables: dict[str, list[Finding]] = {}
    for one in found.findings:
        tables.setdefault(one.table, []).append(one)
    for name, findings in tables.items():
        grid = Grid(
            box=box.SIMPLE_HEAD, pad_edge=False, title=Text(plain(name)), title_justify="left", title_style="bold"
        )
        for title, ratio in zip(_TITLES[lang], (3, 3, None, 8), strict=True):
            grid.add_column(
                title, overflow="fold", ratio=ratio, justify="right" if ratio is None else "left", no_wrap=ratio is None
            )
        for one in findings:
            words = [in_words(each, "ja" if lang == "ja" else "en") for each in _telling(one)]
            grid.add_row(
                Text(plain(one.column)),
                Text(_called(one, lang)),
                Text(one.percent, style="green" if one.confidence >= LIKELY else "yellow"),
                Text(plain("\n".join(words))),
            )
        Console(highlight=False).print(grid)
    if found.owners:
        say(_OWNERS[lang], style="bold")
        for owner in found.owners:
            say(f"  {owner.table}: {_owner(owner)}")
        say()
    if not found.findings:
        say(_NOTHING[lang], "green")
    say(_SUMMARY[lang].format(len(found.findings), found.columns, found.annotated, found.sampled))


def _called(finding: Finding, lang: str) -> str:
    """The category, and what the kind is called where that says more."""
    kind = KINDS[finding.kind]
    if lang == "ja":
        return f"{finding.category} ({kind.ja})"
    return finding.category if finding.category == finding.kind else f"{finding.category} ({kind.en})"


def _telling(finding: Finding) -> list[Any]:
    """The reasons that weigh most."""
    return sorted(finding.evidence, key=lambda one: -abs(one.points))[:_MOST_REASONS]


def _owner(owner: Owner) -> str:
    said = f'DataSubject("{owner.kind}", ' + (f'key="{owner.key}")' if owner.key else f'via="{owner.via}")')
    return said + (f"   ({', '.join(owner.others)}?)" if owner.others else "")


def _tell_patch(path: Path, drawn: Patch, *, seal: bool, quiet: bool) -> None:
    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True) if quiet else None
    tell: Callable[[str], None] = say if console is None else console.print
    tell(f"{path}: {len(drawn.annotated)} columns annotated in the models. Read it; then: patch -p1 < {path}")
    for plan in drawn.annotated:
        if seal and not plan.sealed:
            tell(f"  {plan.finding.name} is not sealed: {plan.why}")
    for note in drawn.notes:
        tell(f"  {note}")
    if seal and any(plan.sealed for plan in drawn.annotated):
        tell("Where rows are already there, seal them first (docs/sealing.md), or begin with --no-seal.")
    if drawn.columns and not drawn.in_policy:
        tell(f"{len(drawn.columns)} columns stand in models that cannot be edited. For the policy:")
        tell(columns_section(drawn.columns))


def _as_json(found: Scan) -> dict[str, Any]:
    return {
        "columns": found.columns,
        "annotated": found.annotated,
        "sampled": found.sampled,
        "findings": [
            {
                "column": one.name,
                "category": one.category,
                "kind": one.kind,
                "confidence": round(one.confidence, 3),
                "reasons": [
                    {"points": each.points, "reason": each.reason, "words": in_words(each).partition(" ")[2]}
                    for each in one.evidence
                ],
            }
            for one in found.findings
        ],
        "owners": [
            {"table": one.table, "kind": one.kind, "key": one.key, "via": one.via, "others": list(one.others)}
            for one in found.owners
        ],
    }
