"""The record of processing (GDPR Art. 30; 個人データ取扱台帳): each purpose, in each table, on each category of data."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

from sa_privacy.columns import Catalogue, PersonalColumn, PersonalTable, SubjectPath
from sa_privacy.policy import Policy, Purpose, Recipient, Schedule, Verb
from sa_privacy.publish.facts import personal_columns
from sa_privacy.publish.notice.care import kept
from sa_privacy.publish.notice.composing import Composer
from sa_privacy.publish.speaker import plain

__all__ = ["Activity", "activities", "as_csv", "as_plain"]

_VERBS: Final[tuple[Verb, ...]] = get_args(Verb)
_FORMULA: Final = tuple("=+-@＝＋－＠")


@dataclass(frozen=True, slots=True)
class Activity:
    """One row of the record.

    :param purpose: what for.
    :param table: where; None where the models hold nothing of the category.
    :param category: of what; None where rows are only deleted.
    :param columns: the columns of the table that hold it, and that the purpose reaches.
    :param verbs: what is done: ``"read"``, ``"match"``, ``"write"``, ``"delete"``.
    :param people: the kind of people whose data it is.
    :param roles: who acts, and in `systems` the jobs that do.
    :param recipients: who may be given it: processors that work on the purpose, and all others that may get the category.
    :param schedules: the schedules of retention that end it.
    :param sealed: ``"all"`` of the columns, ``"some"``, or ``"none"``; None without columns.
    """

    purpose: str
    table: str | None
    category: str | None
    columns: tuple[str, ...]
    verbs: tuple[str, ...]
    people: str | None
    roles: tuple[str, ...]
    systems: tuple[str, ...]
    recipients: tuple[str, ...]
    schedules: tuple[str, ...]
    sealed: str | None
    searchable: bool
    under_keys_of_people: bool


def activities(policy: Policy, catalogue: Catalogue | None) -> tuple[Activity, ...]:
    """The rows, in the policy's order."""
    columns = personal_columns(catalogue)
    tables = {} if catalogue is None else catalogue.by_name
    return tuple(row for purpose in policy.purposes.values() for row in _of_purpose(policy, purpose, columns, tables))


def _of_purpose(
    policy: Policy, purpose: Purpose, columns: tuple[PersonalColumn, ...], tables: Mapping[str, PersonalTable]
) -> Iterator[Activity]:
    reached: dict[tuple[str | None, str | None], list[PersonalColumn]] = {}
    for column in columns:
        if any(purpose.opens(verb, column.category, column.purposes) for verb in _VERBS):
            reached.setdefault((column.table, column.category), []).append(column)
    held = {category for _, category in reached}
    for name in policy.categories:
        if name in purpose.read | purpose.match | purpose.write and name not in held:
            reached[None, name] = []
    places = {table for table, _ in reached}
    for name in sorted(purpose.delete - places):
        reached[name, None] = []
    order = list(policy.categories)
    for (table, category), found in sorted(
        reached.items(), key=lambda one: (one[0][0] or "\uffff", order.index(one[0][1]) if one[0][1] else -1)
    ):
        verbs = [verb for verb in _VERBS if category in purpose.of(verb)]
        subject = _subject(tables, table)
        sealed = sum(one.sealed for one in found)
        yield Activity(
            purpose.name,
            table,
            category,
            tuple(one.column for one in found),
            (*verbs, *(("delete",) if table in purpose.delete else ())),
            None if subject is None else subject.kind,
            tuple(name for name, role in policy.roles.items() if purpose.name in role.reachable),
            tuple(name for name, system in policy.systems.items() if purpose.name in system.purposes),
            tuple(one.name for one in policy.recipients.values() if _gets(one, purpose, category)),
            tuple(one.name for one in _schedules(policy, table, category, tables)),
            None if not found else "all" if sealed == len(found) else "some" if sealed else "none",
            any(one.searchable for one in found),
            bool(found) and all(one.by_subject for one in found),
        )


def _subject(tables: Mapping[str, PersonalTable], table: str | None) -> SubjectPath | None:
    known = None if table is None else tables.get(table)
    return None if known is None else known.subject


def _gets(recipient: Recipient, purpose: Purpose, category: str | None) -> bool:
    if recipient.kind == "processor" and purpose.name not in recipient.purposes:
        return False
    return category in recipient.categories


def _schedules(
    policy: Policy, table: str | None, category: str | None, tables: Mapping[str, PersonalTable]
) -> Iterator[Schedule]:
    """Those of the category and of the table; of the nearest table that its rows hang on, where it has none."""
    yield from (one for one in policy.retention.values() if category is not None and one.category == category)
    subject = _subject(tables, table)
    way = [table] if table is not None else []
    way += [there for _, there, _ in subject.steps] if subject is not None else []
    for place in way:
        found = [one for one in policy.retention.values() if one.table == place]
        if place != table:  # a row that hangs on another goes with it
            found = [one for one in found if one.action == "delete"]
        if found:
            yield from found
            return


def as_plain(rows: tuple[Activity, ...]) -> list[dict[str, Any]]:
    """The rows for programs."""
    names = Activity.__slots__
    return [
        {name: list(value) if isinstance(value := getattr(row, name), tuple) else value for name in names}
        for row in rows
    ]


_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "heads": "Purpose|Clause|Condition|Information|Columns|Table|People|What is done|Roles|Programs|Recipients|"
        "Goes abroad to|Kept for|Encryption|Policy",
        "opt_in": "only who agreed",
        "opt_out": "only who did not object",
        "own": "own rows only",
        "read": "read",
        "match": "find by",
        "write": "enter",
        "delete": "delete rows",
        "processor": "works for us",
        "third_party": "third party",
        "third_party_abroad": "third party abroad",
        "authority": "public authority",
        "all": "encrypted",
        "some": "encrypted in part",
        "none": "not encrypted",
        "under_keys_of_people": "under keys of each person's own",
        "searchable": "found by a keyed digest",
        "glass": "{role} (in an emergency)",
        "recipient": "{recipient} ({kind})",
    },
    "ja": {
        "heads": "利用目的|条項|条件|データの種類|項目|テーブル|本人の種類|処理|役割|自動処理|提供先・委託先|"
        "外国への移転|保存期間|暗号化|方針",
        "opt_in": "同意した者のみ",
        "opt_out": "異議のない者のみ",
        "own": "本人の行のみ",
        "read": "読み取り",
        "match": "検索",
        "write": "登録",
        "delete": "行の削除",
        "processor": "委託先",
        "third_party": "第三者",
        "third_party_abroad": "外国にある第三者",
        "authority": "公的機関",
        "all": "暗号化",
        "some": "一部暗号化",
        "none": "暗号化なし",
        "under_keys_of_people": "本人ごとの鍵",
        "searchable": "鍵付きハッシュで検索",
        "glass": "{role}(緊急時)",
        "recipient": "{recipient}({kind})",
    },
}


def as_csv(policy: Policy, catalogue: Catalogue | None, language: str) -> str:
    """The record as a table that spreadsheets open: with a byte order mark, and with nothing that they would calculate."""
    made = Composer(policy, catalogue, language)
    words = _WORDS[made.say.tongue]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(words["heads"].split("|"))
    for row in activities(policy, catalogue):
        writer.writerow(map(_harmless, _cells(made, words, row)))
    return "\ufeff" + text.getvalue()


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula (CWE-1236)."""
    cell = plain(cell)
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _cells(made: Composer, words: Mapping[str, str], row: Activity) -> Iterator[str]:
    policy, say = made.policy, made.say
    purpose = policy.purposes[row.purpose]
    yield say.purpose(row.purpose)
    yield purpose.clause or ""
    yield "; ".join(words[one] for one in (purpose.consent, purpose.rows) if one in ("opt_in", "opt_out", "own"))
    yield "" if row.category is None else say.category(row.category)
    yield "; ".join(row.columns)
    yield row.table or ""
    yield row.people or ""
    yield "; ".join(words[verb] for verb in row.verbs)
    yield "; ".join(
        say.role(name) if row.purpose in policy.roles[name].purposes else words["glass"].format(role=say.role(name))
        for name in row.roles
    )
    yield "; ".join(say.words(policy.systems[name].title) for name in row.systems)
    recipients = [policy.recipients[name] for name in row.recipients]
    yield "; ".join(words["recipient"].format(recipient=say.recipient(r.name), kind=words[r.kind]) for r in recipients)
    yield "; ".join(f"{say.recipient(one.name)}: {one.country}" for one in recipients if one.country)
    yield "; ".join(" → ".join(said.text for said in kept(made, policy.retention[name])) for name in row.schedules)
    how = [words[row.sealed]] if row.sealed is not None else []
    how += [words[name] for name in ("under_keys_of_people", "searchable") if getattr(row, name)]
    yield "; ".join(how)
    yield policy.hash
