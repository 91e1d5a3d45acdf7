"""``sa-privacy log who``: who used one person's data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from sa_privacy.accesslog import Source, Wanted
from sa_privacy.accesslog.questions import Who
from sa_privacy.accesslog.questions import who as ask_who
from sa_privacy.accesslog.questions.uses import UseOfData
from sa_privacy.cli.log.asking import (
    PolicyOption,
    by_table,
    fields_as_json,
    known_policy,
    new_table,
    plain,
    show_table,
    show_waiting,
    waiting,
    waiting_as_json,
)
from sa_privacy.cli.log.place import DEFAULT, LogOption, place
from sa_privacy.cli.log.times import Clock, LocalOption, SinceOption, UntilOption, clock_of
from sa_privacy.cli.log.words import WORDS
from sa_privacy.cli.options import JsonOption, Language, LanguageOption
from sa_privacy.cli.services import find_service
from sa_privacy.cli.telling import fail, print_json, say, telling
from sa_privacy.crypto import Keyring, key_name
from sa_privacy.policy import OWN_CATEGORY, Policy

__all__ = ["who"]

_PSEUDONYM: Final = re.compile(r"[a-z2-7]{26}")


def who(
    subject: Annotated[
        list[str],
        typer.Argument(
            help="The person: a pseudonym; or with --kind the key (its parts).",
            metavar="SUBJECT...",
            show_default=False,
        ),
    ],
    *,
    kind: Annotated[
        str | None, typer.Option(help="The kind of person that the key is of: customer.", metavar="KIND")
    ] = None,
    keys: Annotated[
        Path | None, typer.Option(help="The keyring file, which makes the pseudonym of a key.", metavar="FILE")
    ] = None,
    service: Annotated[
        str | None,
        typer.Option(
            help="Who wraps the keys, as for sa-privacy keys.", metavar="SERVICE", envvar="SA_PRIVACY_KEY_SERVICE"
        ),
    ] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    log: LogOption = DEFAULT,
    policy: PolicyOption = None,
    language: LanguageOption = Language.en,
    local: LocalOption = False,
    json: JsonOption = False,
) -> None:
    """Who used this person's data: when, for which purpose, what of it, and why."""
    clock = clock_of(since, until, local=local)
    with telling():
        ring = _ring(subject, kind, keys, service)
        pseudonym, known = _pseudonym(subject, kind, ring), known_policy(policy)
        with place(log) as asked:
            reviews = waiting(asked)
            found = ask_who(asked, pseudonym, since=clock.since, until=clock.until)
            if ring is not None and not found.uses:
                _must_be_of(ring, keys, asked)
    if json:
        print_json({**_as_json(found, known), "reviews_waiting": waiting_as_json(reviews)})
        return
    show_waiting(reviews, clock)
    _show(found, known, clock, language.value)
    if ring is not None and not found.uses:
        say(WORDS[language.value]["asked_by_key"].format(pseudonym, kind))


def _ring(subject: list[str], kind: str | None, keys: Path | None, service: str | None) -> Keyring | None:
    """The keyring, where a person is named by a key and not by a pseudonym."""
    if kind is None and keys is None:
        if len(subject) != 1 or not _PSEUDONYM.fullmatch(subject[0]):
            fail("that is no pseudonym.", "for a person's key say also --kind customer --keys keys.json.")
        return None
    if kind is None or keys is None:
        fail("a key becomes a pseudonym by its kind and the keyring.", "give both --kind and --keys.")
    return Keyring.load(keys, service=find_service(service))


def _pseudonym(subject: list[str], kind: str | None, ring: Keyring | None) -> str:
    if kind is None or ring is None:
        return subject[0]
    return ring.pseudonym_key().of(kind, subject[0] if len(subject) == 1 else tuple(subject))


def _must_be_of(ring: Keyring, keys: Path | None, asked: Source) -> None:
    """Pseudonyms come from the first key of a ring: where no writer had it, nobody is found, whoever was used."""
    first, others = key_name(ring.ids[0]), False
    for context in asked.find(Wanted(kinds=frozenset({"context"}))):
        if first in context.keys:
            return
        others = others or bool(context.keys)
    if others:
        fail(
            f"no pseudonym of {keys} can be in this log: it was written with another keyring.",
            "name the keyring that the application used when it was written.",
        )


def _show(found: Who, policy: Policy | None, clock: Clock, language: str) -> None:
    words = WORDS[language]
    if found.erased is not None:
        say(words["erased"].format(clock.show(found.erased)), "yellow")
    if not found.uses:
        say(words["none"])
    else:
        table = new_table(
            *(words[name] for name in ("when", "who", "why", "what", "rows", "note")),
            right=[words["rows"]],
            whole=[words["when"]],
        )
        for use in found.uses:
            style = "red" if use.break_glass else "yellow" if use.state != "done" or use.would_refuse else ""
            table.add_row(
                plain(clock.show(use.at)),
                plain("\n".join((use.actor or words["nobody"], *_roles(use, policy, language)))),
                plain(_why(use, policy, language)),
                plain(_what(use, policy, language)),
                plain("" if use.rows is None else f"{use.rows:,}"),
                plain(_note(use, policy, language)),
                style=style,
            )
        show_table(table)
        say(words["found"].format(len(found.uses), clock.span(language), clock.name))
        others = sum(1 for use in found.uses if policy is not None and use.policy not in (None, policy.hash))
        if others:
            say(words["policy"].format(others))
    if found.unbounded:
        say(words["unbounded"], "yellow")
    for one in found.unbounded:
        spans = (", ".join(sorted(one.tables)), clock.show(one.first), clock.show(one.last))
        say(words["unbounded_line"].format(one.actor or words["nobody"], one.times, one.rows, *spans))


def _roles(use: UseOfData, policy: Policy | None, language: str) -> list[str]:
    known = policy.roles if policy is not None else {}
    return [known[name].title.get(language, name) if name in known else name for name in use.roles]


def _why(use: UseOfData, policy: Policy | None, language: str) -> str:
    words = WORDS[language]
    lines = []
    for name in use.purposes:
        purpose = policy.purposes.get(name) if policy is not None else None
        clause = words["clause"].format(purpose.clause) if purpose is not None and purpose.clause else ""
        lines.append((purpose.title.get(language, name) if purpose is not None else name) + clause)
    if not lines:
        lines.append(words["maintenance"] if use.maintenance else words["no_purpose"])
    if use.reason:
        lines.append(f"“{use.reason}”" if language == "en" else f"「{use.reason}」")
    return "\n".join(lines)


def _what(use: UseOfData, policy: Policy | None, language: str) -> str:
    words = WORDS[language]
    lines = []
    for verb, columns in (("read", use.reads), ("match", use.matches), ("write", use.writes)):
        titles = {column: _title(column, use, policy, language) for column in columns}
        if titles:
            unknown = by_table(column for column, title in titles.items() if title is None)
            said = words["comma"].join(
                dict.fromkeys([title for title in titles.values() if title] + ([unknown] if unknown else []))
            )
            lines.append(words["of"].format(words[verb], said))
    if use.deletes:
        lines.append(words["of"].format(words["delete"], words["comma"].join(use.deletes)))
    return "\n".join(lines)


def _title(column: str, use: UseOfData, policy: Policy | None, language: str) -> str | None:
    """What the column holds, where that is known."""
    category = use.categories.get(column)
    if category is None and policy is not None and column in policy.columns:
        category = policy.columns[column].category
    if category is None:
        return None
    if category == OWN_CATEGORY:
        return WORDS[language]["ledger"]
    if policy is not None and category in policy.categories:
        return policy.categories[category].title.get(language, category)
    return category


def _note(use: UseOfData, policy: Policy | None, language: str) -> str:
    words = WORDS[language]
    notes = [words["break_glass"]] if use.break_glass else []
    notes += [words[use.state]] if use.state != "done" else []
    notes += [words["would_refuse"]] if use.would_refuse else []
    notes += [words["memory"]] if use.memory else []
    notes += [words["maintenance"]] if use.maintenance and use.purposes else []
    notes += [words["ticket"].format(use.ticket)] if use.ticket else []
    if use.recipient is not None:
        known = policy.recipients.get(use.recipient) if policy is not None else None
        notes.append(words["recipient"].format(known.title.get(language, known.name) if known else use.recipient))
    notes += [words["people"].format(use.people)] if use.people > 1 else []
    return "\n".join(notes)


def _as_json(found: Who, policy: Policy | None) -> dict[str, Any]:
    return {
        "subject": found.subject,
        "uses": [_use_as_json(use, policy) for use in found.uses],
        "unbounded": [fields_as_json(one) for one in found.unbounded],
        "erased": None if found.erased is None else found.erased.isoformat(),
    }


def _use_as_json(use: UseOfData, policy: Policy | None) -> dict[str, Any]:
    said: dict[str, Any] = fields_as_json(use)
    known = policy.purposes if policy is not None else {}
    said["basis"] = [
        {"purpose": name, "clause": known[name].clause, "title": dict(known[name].title)}
        for name in use.purposes
        if name in known
    ]
    return said
