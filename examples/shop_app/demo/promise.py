"""The promise: the policy document, and its clauses as they are really kept."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from rich.text import Text
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from examples.shop_app.demo.stage import ACTING, Stage
from examples.shop_app.models import Base
from sa_privacy import AccessDenied, Privacy

__all__ = ["Attempt", "matrix", "show_matrix", "show_policy"]


def show_policy(stage: Stage) -> None:
    policy, language = stage.privacy.policy, stage.language
    stage.chapter(
        "What the shop promised",
        f"""examples/shop_app/privacy.toml says the same as the privacy policy that {policy.controller[language]}
        published, clause by clause, in words that a program can keep. Nothing below is written in Python code.""",
    )
    table = stage.table("clause", "purpose", "what it is for", "what it uses", "roles")
    comma = "、 " if language == "ja" else ", "
    for purpose in policy.purposes.values():
        reads, matches, writes = (
            comma.join(c.title[language] for c in policy.categories.values() if c.name in names)
            for names in (purpose.read, purpose.match - purpose.read, purpose.write - purpose.read)
        )
        uses = [reads, f"finds by {matches}" if matches else "", f"takes in {writes}" if writes else ""]
        scope = " (own rows only)" if purpose.rows == "own" else ""
        table.add_row(
            Text(purpose.clause or "-"),
            Text(purpose.name, style="bold"),
            Text(purpose.title[language]),
            Text("; ".join(filter(None, uses)) + scope),
            Text("\n".join(role.name for role in policy.roles.values() if purpose.name in role.purposes)),
        )
    stage.console.print(table)
    stage.say(f"Version {policy.version}, {policy.hash[:23]}...; every event of the log names this hash.")


class Attempt(NamedTuple):
    """What happened when a purpose read all columns of a category, one after the other.

    :param values: how many values were handed over.
    :param read: how many columns were read.
    :param refused: the errors of those that were not.
    """

    values: int
    read: int
    refused: tuple[str, ...]

    def __str__(self) -> str:
        if self.read and self.refused:
            return f"? {self.read} of {self.read + len(self.refused)}"
        return f"{self.values:,}" if self.read else "✗"


def matrix(privacy: Privacy, engine: Engine) -> dict[tuple[str, str], Attempt]:
    """Lets every purpose read every personal column.

    :returns: what happened, by purpose and category. Nothing of it is computed from the policy.
    """
    happened = {}
    for purpose, acting in ACTING.items():
        for category in privacy.policy.categories:
            with privacy.access(purpose, actor=acting.actor, role=acting.role, subject=acting.subject):
                happened[purpose, category] = _attempt(privacy, engine, category)
    return happened


def _attempt(privacy: Privacy, engine: Engine, category: str) -> Attempt:
    values, read, refused = 0, 0, []
    for mapper in Base.registry.mappers:
        for attribute in mapper.column_attrs:
            column = privacy.catalogue.columns.get(str(attribute.columns[0]))
            if column is None or column.category != category:
                continue
            try:
                with Session(engine) as session:
                    found = session.scalars(select(getattr(mapper.class_, attribute.key))).all()
            except AccessDenied as error:
                refused.append(type(error).__name__)
            else:
                values += sum(value is not None for value in found)
                read += 1
    return Attempt(values, read, tuple(refused))


def show_matrix(stage: Stage) -> None:
    stage.chapter(
        "The clauses, tried out",
        """Every purpose now runs select(...) of every personal column. The cells are not worked out from the policy:
        they say what happened. Columns are found by their category, in models.py.""",
    )
    happened = matrix(stage.privacy, stage.engine)
    policy = stage.privacy.policy
    table = stage.table("clause", "purpose")
    table.padding = (0, 0)
    table.columns[1].no_wrap = True
    for category in policy.categories:
        table.add_column(category.replace("_", "_\n"), justify="right", overflow="fold")
    for purpose in ACTING:
        cells = [happened[purpose, category] for category in policy.categories]
        marks = [Text(str(cell), style="bold green" if cell.read else "red") for cell in cells]
        table.add_row(Text(policy.purposes[purpose].clause or "-"), Text(purpose, style="bold"), *marks)
    stage.console.print(table)
    refused = Counter(name for attempt in happened.values() for name in attempt.refused)
    errors = ", ".join(f"{name} {times} times" for name, times in sorted(refused.items()))
    stage.say(
        f"""A number: that many values were handed over, of all columns of the category together: a customer may have a
        second name, its reading in kana. ✗: all its columns were refused; counted by column, that is
        {errors or "never"}. "campaigns" reaches the people who agreed to it, who are few; "account" the
        rows of one person, here customer 1. "sign_in" finds a person by e-mail address, and reads
        what proves who they are."""
    )
