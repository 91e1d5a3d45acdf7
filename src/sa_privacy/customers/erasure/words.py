"""A plan for people, in English and Japanese: a table of what happens, of what stays and why, and of what stands against it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sa_privacy.customers.erasure.plan import ErasurePlan, HeldBack, Kept

__all__ = ["WORDS", "as_text", "said"]

WORDS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "title": "Erasure of one {}, as of {:%Y-%m-%d %H:%M} UTC",
        "table": "Table",
        "rows": "Rows",
        "what": "What happens",
        "why": "Why it stays",
        "delete": "deleted",
        "anonymise": "emptied",
        "unlink": "link cut",
        "relink": "leads to nobody",
        "shell": "nobody's row is made",
        "kept": "Kept for a reason, without the person:",
        "until": "Until",
        "open": "not known yet",
        "columns": "stays as it is",
        "others": "others need it",
        "held": "Nothing is erased while this stands against it:",
        "guard": "guard {}",
        "hold": "hold {}",
        "request": "request {}",
        "ends": "Until when",
        "nobodys": "Nobody said whose these are, so that an erasure does not reach them: {}.",
        "ledger": "There is no ledger of erasures: a restored backup brings the person back.",
        "hash": "Plan: {}",
        "nothing": "nothing",
    },
    "ja": {
        "title": "{}１名の消去計画（{:%Y-%m-%d %H:%M} UTC 現在）",
        "table": "テーブル",
        "rows": "行数",
        "what": "処理",
        "why": "残す理由",
        "delete": "削除",
        "anonymise": "値を消去",
        "unlink": "参照を切断",
        "relink": "誰でもない行へ付け替え",
        "shell": "誰でもない行を作成",
        "kept": "次の理由により、本人と切り離して残すもの：",
        "until": "期限",
        "open": "未定",
        "columns": "そのまま残る項目",
        "others": "他の行に必要",
        "held": "次の事情があるあいだは何も消去しません：",
        "guard": "条件 {}",
        "hold": "保全 {}",
        "request": "請求 {}",
        "ends": "解消の時期",
        "nobodys": "誰のデータか宣言されていないため、消去が及ばない項目：{}",
        "ledger": "消去台帳がないため、バックアップを復元すると本人のデータが元に戻ります。",
        "hash": "計画：{}",
        "nothing": "なし",
    },
}


def as_text(plan: ErasurePlan, language: str) -> str:
    """The plan as lines of text.

    :param language: ``"en"`` or ``"ja"``.
    """
    words = WORDS[language]
    titles = {(one.table, one.reason): said(one.title, language) or one.reason for one in plan.kept}
    counted: dict[tuple[str, str, str], int] = {}
    for step in plan.steps:
        reasons = [titles.get((step.table, name), name) for name in step.why.split(", ")]
        why = words["others"] if step.why == "others" else ", ".join(reasons)
        counted[step.table, words[step.verb], why] = counted.get((step.table, words[step.verb], why), 0) + step.rows
    lines = [words["title"].format(plan.kind, plan.made)]
    if counted:
        heads = [words["table"], words["rows"], words["what"], words["why"]]
        lines += ["", *_table(heads, [(table, str(rows), what, why) for (table, what, why), rows in counted.items()])]
    if plan.kept:
        heads = [words["table"], words["rows"], words["why"], words["until"], words["columns"]]
        lines += ["", words["kept"], *_table(heads, [_kept(one, words, language) for one in plan.kept])]
    if plan.held:
        heads = [words["table"], words["rows"], words["why"], words["ends"]]
        lines += ["", words["held"], *_table(heads, [_held(one, words, language) for one in plan.held])]
    if not plan.ledger:
        lines += ["", words["ledger"]]
    if plan.nobodys:
        lines += ["", words["nobodys"].format(", ".join(plan.nobodys))]
    return "\n".join([*lines, "", words["hash"].format(plan.hash)])


def said(titles: Mapping[str, str], language: str) -> str:
    """What something is called in a language, or else in another one; empty where it has no title."""
    return titles.get(language) or next(iter(titles.values()), "")


def _kept(one: Kept, words: dict[str, str], language: str) -> Sequence[str]:
    until = f"{one.until:%Y-%m-%d}" if one.until is not None else words["open"]
    reason = f"{said(one.title, language) or one.reason} ({one.law})"
    return one.table, str(one.rows), reason, until, ", ".join(one.columns)


def _held(one: HeldBack, words: dict[str, str], language: str) -> Sequence[str]:
    what = words[one.by].format(said(one.title, language) or one.what)
    return one.table, str(one.rows), what, said(one.ends, language)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    every = [heads, *rows]
    widths = [max(_width(row[at]) for row in every) for at in range(len(heads))]
    shown = [
        "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in every
    ]
    return [shown[0], "-" * _width(shown[0]), *shown[1:]]


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)
