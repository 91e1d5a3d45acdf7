"""What a person said, for the person: a receipt of one entry, as text or HTML, in English or Japanese."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from typing import Final, Literal

from sa_privacy.customers.consent.entry import ConsentEntry
from sa_privacy.customers.consent.words import AUTHORITY, HOW_SAID, LABELS, LANGUAGES, SAID, WITHDRAW
from sa_privacy.errors import PolicyError
from sa_privacy.policy import Policy

__all__ = ["FORMATS", "Format", "receipt_of"]

Format = Literal["text", "html"]
FORMATS: Final = ("text", "html")


def receipt_of(policy: Policy, entry: ConsentEntry, text: str | None, language: str, form: Format) -> str:
    """The receipt of an entry.

    :param text: of the wording, as it was shown; None where there was none.
    :param language: of the receipt; the text stands in the language in which it was shown.
    :raises PolicyError: there is no such language or format.
    """
    if language not in LANGUAGES:
        raise PolicyError("receipts are not written in that language.", hint=f"languages: {', '.join(LANGUAGES)}.")
    if form not in FORMATS:
        raise PolicyError("receipts are not written in that format.", hint=f"formats: {', '.join(FORMATS)}.")
    said = [(LABELS[name][language], value) for name, value in _lines(policy, entry, text, language)]
    title = LABELS["receipt"][language]
    return _as_html(title, said, language) if form == "html" else _as_text(title, said)


def _lines(policy: Policy, entry: ConsentEntry, text: str | None, language: str) -> list[tuple[str, str]]:
    kind, _, name = entry.what.partition(":")
    known: Mapping[str, object] = policy.purposes if kind == "purpose" else policy.recipients
    titles: Mapping[str, str] = getattr(known.get(name), "title", {})
    lines = [
        ("controller", _in(policy.controller, language) or policy.id),
        (kind, _in(titles, language) or name),
        ("said", SAID[entry.said][language]),
    ]
    if entry.authority is not None:
        lines.append(("agent", f"{entry.agent} ({AUTHORITY[entry.authority][language]})"))
    lines += [("at", _time(entry.at)), ("entered", _time(entry.entered)), ("how", HOW_SAID[entry.how][language])]
    if text is not None:
        lines += [("text", text), ("version", f"{entry.version} ({entry.language})")]
    if entry.said == "given":
        if entry.valid_until is not None:
            lines.append(("valid_until", _time(entry.valid_until)))
        lines.append(("withdraw", WITHDRAW[language]))
    return [*lines, ("number", entry.id)]


def _as_text(title: str, said: list[tuple[str, str]]) -> str:
    return f"{title}\n\n" + "".join(f"{label}: {_indented(value)}\n" for label, value in said)


def _indented(value: str) -> str:
    lines = value.splitlines()
    return value if len(lines) < 2 else "\n" + "\n".join(f"  {line}" for line in lines)


def _as_html(title: str, said: list[tuple[str, str]], language: str) -> str:
    rows = "".join(
        f"<dt>{escape(label)}</dt>\n<dd>{'<br>'.join(escape(line) for line in value.splitlines())}</dd>\n"
        for label, value in said
    )
    return (
        f'<!DOCTYPE html>\n<html lang="{language}">\n<head><meta charset="utf-8"><title>{escape(title)}</title></head>\n'
        f"<body>\n<h1>{escape(title)}</h1>\n<dl>\n{rows}</dl>\n</body>\n</html>\n"
    )


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _in(words: Mapping[str, str], language: str) -> str:
    return words.get(language) or next(iter(words.values()), "")
