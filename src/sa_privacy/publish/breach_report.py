"""A breach as a report: what the access log knows filled in, what it does not marked, when it is due."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from typing import NamedTuple

from sa_privacy.accesslog.questions import Breach
from sa_privacy.policy import Policy
from sa_privacy.publish.appi import ITEMS, MANY_PEOPLE, RULES, DueDates, due_dates
from sa_privacy.publish.breach_words import WORDS

__all__ = ["BreachReport", "Item", "breach_report"]


class Item(NamedTuple):
    """One item of the report.

    :ivar name: ``"overview"``, ``"data"``, ``"people"`` ...: a key of :data:`~sa_privacy.publish.appi.ITEMS`.
    :ivar known: what the log knows, sentence by sentence.
    :ivar missing: what is to be filled in; None: nothing.
    """

    name: str
    title: str
    known: tuple[str, ...]
    missing: str | None = None


class BreachReport(NamedTuple):
    """A draft of the preliminary and the final report (APPI, Art. 26).

    :ivar due: None where it was not said when the breach became known.
    :ivar over_1000: whether more than 1,000 people are concerned; None: not by those named, but there may be more.
    :ivar triggers: whether it is to be reported at all, as far as can be told.
    :ivar waiting: ids of break-glass accesses that nobody has reviewed.
    """

    language: str
    rules: str
    due: DueDates | None
    malicious: bool
    over_1000: bool | None
    triggers: tuple[str, ...]
    items: tuple[Item, ...]
    waiting: tuple[str, ...]
    zone: str

    def as_markdown(self) -> str:
        """The report as Markdown."""
        return "\n".join(_markdown(self)) + "\n"

    @property
    def due_lines(self) -> tuple[str, ...]:
        """When it is due, in words."""
        words = WORDS[self.language]
        if self.due is None:
            return (f"{words['fill']}{words['colon']}{words['no_noticed']}",)
        days = (self.due.final - self.due.noticed).days + 1
        malicious = words["malicious"] if self.malicious else ""
        early, late = self.due.preliminary
        return (
            words["noticed"].format(day=self.due.noticed),
            words["preliminary"].format(early=early, late=late),
            words["final"].format(last=self.due.final, days=days, malicious=malicious),
        )


def breach_report(
    found: Breach,
    *,
    language: str = "en",
    policy: Policy | None = None,
    noticed: datetime | date | None = None,
    malicious: bool = False,
    waiting: Sequence[str] = (),
    span: str = "",
    show: Callable[[datetime | None], str] = str,
    zone: str = "UTC",
) -> BreachReport:
    """The report of what was found.

    :param language: ``"en"`` or ``"ja"``.
    :param policy: gives categories and purposes their titles.
    :param noticed: when the breach became known; an aware time counts in Japan.
    :param malicious: whether it was, or may have been, done with a wrongful purpose.
    :param waiting: ids of break-glass accesses that nobody has reviewed.
    :param span: the time looked at, in words.
    :param show: writes a time, in the zone of that name.
    """
    words = WORDS[language]
    many = True if found.people > MANY_PEOPLE else None if found.unbounded or found.unfinished_people else False
    answer = {True: words["yes"], False: words["no"], None: words["no_known"]}[many]
    known: dict[str, tuple[str, ...]] = {
        "overview": tuple(_overview(found, words, policy, language, span, show)),
        "data": tuple(_data(found, words, policy, language)),
        "people": tuple(_people(found, words)),
        "other": tuple(_other(found, words)),
    }
    missing = {
        "overview": "what_happened",
        "cause": "cause",
        "damage": "damage",
        "response": "response",
        "publication": "publication",
        "prevention": "prevention",
    }
    return BreachReport(
        language=language,
        rules=RULES,
        due=None if noticed is None else due_dates(noticed, malicious=malicious),
        malicious=malicious,
        over_1000=many,
        triggers=(
            words["sensitive"],
            words["money"],
            words["wrongful"].format(answer=words["assumed" if malicious else "unknown"]),
            words["many"].format(answer=answer),
        ),
        items=tuple(
            Item(name, title[language], known.get(name, ()), words[missing[name]] if name in missing else None)
            for name, title in ITEMS.items()
        ),
        waiting=tuple(waiting),
        zone=zone,
    )


def _overview(
    found: Breach,
    words: dict[str, str],
    policy: Policy | None,
    language: str,
    span: str,
    show: Callable[[datetime | None], str],
) -> Iterator[str]:
    actor = "" if found.actor is None else words["span_actor"].format(actor=found.actor)
    table = "" if found.table is None else words["span_table"].format(table=found.table)
    yield words["span"].format(span=span, actor=actor, table=table)
    if found.first is None:
        yield words["nothing"]
    else:
        yield words["happened"].format(
            statements=found.statements,
            uses=found.uses,
            first=show(found.first),
            last=show(found.last),
            rows=found.rows,
            cells=found.cells,
        )
        if found.actor is None:
            yield words["accounts"].format(
                accounts=words["comma"].join(
                    f"{actor or words['nobody']} ({times:,})" for actor, times in found.actors.most_common(10)
                )
            )
        if found.purposes:
            known = policy.purposes if policy is not None else {}
            titles = [
                known[name].title.get(language, name) if name in known else name for name in sorted(found.purposes)
            ]
            yield words["purposes"].format(purposes=words["comma"].join(titles))
    if found.break_glass:
        yield words["under_glass"].format(count=found.break_glass)
    if found.refused:
        yield words["refused"].format(count=found.refused)
    if found.unfinished:
        yield words["unfinished"].format(count=found.unfinished, people=found.unfinished_people)


def _data(found: Breach, words: dict[str, str], policy: Policy | None, language: str) -> Iterator[str]:
    columns = {column.column: column for column in found.columns}
    known = policy.categories if policy is not None else {}
    for category in found.categories:
        name = category.category or words["no_category"]
        title = known[name].title.get(language, name) if name in known else name
        more = words["category_more"] if category.perhaps_more else ""
        yield words["category"].format(title=title, people=category.people, more=more)
        for one in map(columns.__getitem__, category.columns):
            counts = {"read": one.read, "matched": one.matched, "written": one.written, "cells": one.cells}
            said = [words[verb].format(count) for verb, count in counts.items() if count]
            said.append(words["not_said" if one.sealed == "unknown" else one.sealed])
            yield words["column"].format(column=one.column, said=words["comma"].join(said))
    if found.deleted:
        yield words["deleted"].format(
            tables=words["comma"].join(f"{table} {rows:,}" for table, rows in sorted(found.deleted.items()))
        )


def _people(found: Breach, words: dict[str, str]) -> Iterator[str]:
    yield words["people"].format(people=found.people)
    if found.unbounded:
        yield words["more"].format(count=found.unbounded, rows=found.unbounded_rows)
    else:
        yield words["exactly"]


def _other(found: Breach, words: dict[str, str]) -> Iterator[str]:
    if found.columns:
        keys = words["key_ids"].format(keys=", ".join(found.keys)) if found.keys else ""
        state = {"always": "sealed_all", "never": "sealed_none", "partly": "sealed_some", "unknown": "sealed_unknown"}
        yield words[state[found.sealed]].format(keys=keys)
        if found.sealed != "never":
            yield words["opened"].format(cells=found.cells)
        yield words["exemption"]
    yield words["evidence"]


def _markdown(report: BreachReport) -> Iterator[str]:
    words = WORDS[report.language]
    yield f"# {words['title']}\n"
    if report.waiting:
        yield f"**{words['waiting'].format(count=len(report.waiting), names=', '.join(report.waiting))}**\n"
    yield f"{words['draft']} {words['times'].format(zone=report.zone)}\n"
    yield f"## {words['due']}\n"
    yield from (f"- {line}" for line in report.due_lines)
    yield f"\n## {words['triggers']}\n"
    yield from (f"- {line}" for line in report.triggers)
    yield f"\n## {words['items']}\n"
    for number, item in enumerate(report.items, 1):
        yield f"### {number}. {item.title}\n"
        yield from (f"- {_escaped(line)}" for line in item.known)
        if item.missing is not None:
            yield f"- **{words['fill']}**{words['colon']}{item.missing}"
        yield ""


def _escaped(text: str) -> str:
    """Names of the application as they are: an underscore in a column is no emphasis."""
    return text.replace("_", "\\_").replace("*", "\\*").replace("<", "&lt;")
