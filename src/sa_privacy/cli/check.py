"""``sa-privacy check``: fails when a column is neither annotated nor said not to be personal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sa_privacy.cli.models import load_models, tables_of
from sa_privacy.cli.options import JsonOption, ModelsOption, PolicyOption
from sa_privacy.cli.telling import FOUND, fail, print_json, say, telling
from sa_privacy.discovery.decided import Decisions, Verdict, first_decisions, judge_columns
from sa_privacy.privacy import Privacy

__all__ = ["check"]


def check(
    *,
    models: ModelsOption,
    policy: PolicyOption = Path("privacy.toml"),
    columns: Annotated[Path, typer.Option(help="What is not personal.", metavar="FILE")] = Path("columns.toml"),
    init: Annotated[
        bool, typer.Option("--init", help="Write a first file, in which all that is undecided today may wait.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Fail where a column is neither annotated as personal nor said not to be. Exit status 1, and a line for each."""
    with telling():
        metadata = load_models(models)
        privacy = Privacy(policy, log=None, metadata=metadata)
        try:
            personal = {name: one.category for name, one in privacy.catalogue.columns.items()}
        finally:
            privacy.close()
        tables = tables_of(*metadata)
        if init:
            if columns.exists():
                fail(f"{columns} is there already.", "take entries out of it by hand, or give --columns another name.")
            columns.write_text(first_decisions(tables, personal), encoding="utf-8")
            say(f"{columns}: {judge_columns(tables, personal, Decisions.load(columns)).waiting} columns may wait.")
            return
        verdict = judge_columns(tables, personal, Decisions.load(columns))
    if as_json:
        print_json(_as_json(verdict))
    else:
        _tell(verdict, columns)
    if not verdict.holds:
        raise typer.Exit(FOUND)


def _tell(verdict: Verdict, columns: Path) -> None:
    for name in verdict.undecided:
        finding = verdict.looks.get(name)
        looks = "" if finding is None else f"; looks like {finding.kind} ({finding.percent})"
        say(f"{name}: neither annotated nor said not to be personal{looks}", "red")
    for one in verdict.swallowed:
        looks = f"looks like {one.finding.kind} ({one.finding.percent})"
        say(f'{one.finding.name}: {looks}, and only "{one.by}" says that it is not personal', "red")
    for name in verdict.contradicted:
        say(f"{name}: annotated as personal, and named in {columns} as not personal", "red")
    for entry in verdict.idle:
        say(f'"{entry}" in {columns} says nothing any more: take it out', "yellow")
    if verdict.holds:
        say(
            f"{verdict.columns} columns: all are decided"
            + (f", {verdict.waiting} may wait." if verdict.waiting else "."),
            "green",
        )
    else:
        say(f"Annotate it (pii_column, [columns] of the policy), or name it under [not_personal] of {columns}.")


def _as_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "columns": verdict.columns,
        "undecided": list(verdict.undecided),
        "looks_personal": [
            {"column": one.finding.name, "kind": one.finding.kind, "by": one.by} for one in verdict.swallowed
        ],
        "contradicted": list(verdict.contradicted),
        "idle": list(verdict.idle),
        "waiting": verdict.waiting,
    }
