"""The plan of retention as a table for people, in English and Japanese."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final
from unicodedata import east_asian_width

from sa_privacy.customers.erasure.words import said

if TYPE_CHECKING:
    from sa_privacy.customers.retention.plan import Due, RetentionPlan, Waiting

__all__ = ["moment_of", "rows_of", "table_of", "waiting_of"]

_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "as_of": "As of {at} (UTC):",
        "heads": "schedule|table|action|rows|why now",
        "delete": "delete",
        "anonymise": "anonymise",
        "pseudonymise": "pseudonymise",
        "shred": "destroy key",
        "why": "{clock} before {before} ({period}), since {since}",
        "none": "nothing is over: {clock} before {before} ({period})",
        "meanwhile": "{rows} of them emptied, and kept for now",
        "guard": "{rows} wait: {title}",
        "reason": "{rows} kept: {title} ({law})",
        "hold": "{rows} held: case {title}",
        "rows": "{rows} wait for rows of {title} that must stay",
        "until": ", until {until} for the last",
        "not_running": ", whose time does not run yet",
        "ends": "; {ends}",
        "nothing": "No schedule is about anything.",
    },
    "ja": {
        "as_of": "{at}(UTC)現在:",
        "heads": "スケジュール|テーブル|処理|件数|理由",
        "delete": "削除",
        "anonymise": "匿名化",
        "pseudonymise": "仮名化",
        "shred": "鍵の破棄",
        "why": "{clock} が {before} より前({period})、最古は {since}",
        "none": "期限切れなし: {clock} が {before} より前({period})",
        "meanwhile": "うち {rows} 件は項目を空にして当面保存",
        "guard": "{rows} 件は待機: {title}",
        "reason": "{rows} 件は保存: {title}({law})",
        "hold": "{rows} 件は保全中: 事案 {title}",
        "rows": "{rows} 件は待機: {title} に残すべき行がある",
        "until": "、最後は {until} まで",
        "not_running": "、期間は未開始",
        "ends": "、{ends}",
        "nothing": "対象となるスケジュールはない。",
    },
}


def rows_of(plan: RetentionPlan, language: str) -> list[list[str]]:
    """The plan in words: the heads of a table, and its rows; no rows where no schedule is about anything."""
    words = _words(language)
    return [words["heads"].split("|"), *(row for one in plan.due for row in _rows(one, words, language))]


def moment_of(plan: RetentionPlan, language: str) -> str:
    """As of when it is, in words."""
    return _words(language)["as_of"].format(at=_at(plan.as_of))


def waiting_of(held: Waiting, language: str) -> str:
    """What is held back, in words."""
    return _waiting(held, _words(language), language)


def table_of(plan: RetentionPlan, language: str) -> str:
    """The plan in words."""
    rows = rows_of(plan, language)
    if len(rows) == 1:
        return _words(language)["nothing"] + "\n"
    widths = [max(_width(row[at]) for row in rows) for at in range(4)]
    lines = [
        "  ".join(
            _padded(cell, width, right=at == 3) for at, (cell, width) in enumerate(zip(row, widths, strict=False))
        )
        + "  "
        + row[4]
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in [moment_of(plan, language), *lines]) + "\n"


def _words(language: str) -> Mapping[str, str]:
    return _WORDS.get(language.partition("-")[0], _WORDS["en"])


def _rows(one: Due, words: Mapping[str, str], language: str) -> Iterator[list[str]]:
    why = words["why" if one.over else "none"].format(
        clock=one.clock,
        before=_at(one.before),
        period=one.period,
        since="" if one.since is None else _at(one.since),
    )
    yield [said(one.title, language) or one.schedule, one.table, words[one.action], f"{one.to_do:,}", why]
    if one.meanwhile:
        yield ["", "", "", "", words["meanwhile"].format(rows=f"{one.meanwhile:,}")]
    for held in one.waiting:
        yield ["", "", "", "", _waiting(held, words, language)]


def _waiting(held: Waiting, words: Mapping[str, str], language: str) -> str:
    text = words[held.by].format(rows=f"{held.rows:,}", title=said(held.title, language) or held.what, law=held.law)
    if held.by == "reason":
        return text + (
            words["not_running"] if held.until is None else words["until"].format(until=f"{held.until:%Y-%m-%d}")
        )
    ends = said(held.ends, language)
    return text + (words["ends"].format(ends=ends) if ends else "")


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}" if not (moment.hour or moment.minute) else f"{moment:%Y-%m-%d %H:%M}"


def _width(text: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _padded(text: str, width: int, *, right: bool) -> str:
    blank = " " * (width - _width(text))
    return blank + text if right else text + blank
