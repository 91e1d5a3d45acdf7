"""Whatever policy is written, in whatever style: it loads, means the same in TOML and Python, and hides no fault."""

from __future__ import annotations

import copy
import json
import tomllib
from collections.abc import Callable
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from sa_privacy.policy import Policy, Touch, Verb, check
from sa_privacy.policy.places import lines_of, shown
from tests.support.draws import draws

Document = dict[str, Any]
Path = tuple[str | int, ...]

VERBS: tuple[Verb, ...] = get_args(Verb)
NAMES = ["shipping", "sign_in", "order-desk", "name", "e2e", "住所", "Account", "x"]
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x7f", exclude_categories=["Cc"]), min_size=1).filter(
    lambda text: bool(text.strip())
)
COLUMNS = ["customers.email", "crm.contacts.phone", 'a."b".c', "表.列"]
TABLES = ["customers", "crm.contacts", "表"]


def several(choices: list[str], least: int = 1) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(choices), min_size=least, max_size=4, unique=True)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Sound policy documents, as dictionaries."""
    languages = draw(st.sampled_from([["en"], ["en", "ja"], ["ja", "pt-BR", "en"]]))
    categories, purposes = draw(several(NAMES)), draw(several(NAMES))

    def titled(table: Document) -> Document:
        kind = draw(st.sampled_from(["none", "one", "each"]))
        if kind == "one":
            table["title"] = draw(WORDS)
        elif kind == "each":
            table["title"] = {language: draw(WORDS) for language in languages}
        return table

    def purpose() -> Document:
        table: Document = titled({})
        opened = draw(several(["use", "delete"], least=0)) or draw(several(["read", "match", "write"]))
        for key in opened:
            table[key] = draw(several(TABLES if key == "delete" else categories))
        if draw(st.booleans()):
            table["consent"] = draw(st.sampled_from(["none", "opt_in", "opt_out"]))
            table["rows"] = draw(st.sampled_from(["all", "own"]))
            table["clause"] = "1-1"
            table["dpv"] = draw(st.sampled_from(["DirectMarketing", ["DeliveryOfGoods", "PaymentManagement"]]))
        return table

    def role() -> Document:
        if draw(st.booleans()):
            return titled({"maintenance": True})
        return titled({"purposes": draw(several(purposes)), "anonymous": draw(st.booleans())})

    def rule() -> str | Document:
        category = draw(st.sampled_from(categories))
        sealed = {"category": category, "encrypt": True, "lookup": "casefold"}
        forms: list[str | Document] = [category, {"category": category}, sealed]
        return draw(st.sampled_from(forms))

    document: Document = {
        "policy": {"id": draw(WORDS), "version": draw(WORDS), "languages": languages, "controller": draw(WORDS)},
        "categories": {name: titled({"mask": "*"} if draw(st.booleans()) else {}) for name in categories},
        "purposes": {name: purpose() for name in purposes},
    }
    if draw(st.booleans()):
        document["roles"] = {name: role() for name in draw(several(NAMES))}
        document["systems"] = {name: titled({"purposes": draw(several(purposes))}) for name in draw(several(NAMES, 0))}
    if draw(st.booleans()):
        document["columns"] = {name: rule() for name in draw(several(COLUMNS, 0))}
        document["log"] = {"on_failure": draw(st.sampled_from(["refuse", "continue"]))}
    return document


class Writer:
    """Writes a document as TOML in one of the many ways there are, and remembers the line of everything."""

    def __init__(self, document: Document, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self.draw = draw
        self.text = ""
        self.lines: dict[Path, int] = {}
        for section in self.shuffled(document):
            self.section(section, document[section])

    def shuffled(self, table: Document) -> list[str]:
        return list(self.draw(st.permutations(list(table))))

    def section(self, name: str, content: object) -> None:
        if not isinstance(content, dict):  # only a fault puts anything else here
            self.text = f"{self.key(name)} = {json.dumps(content)}\n{self.text}"
            self.lines = {(name,): 1} | {path: line + 1 for path, line in self.lines.items()}
            return
        tables = {key for key, value in content.items() if isinstance(value, dict) and self.draw(st.booleans())}
        if len(tables) < len(content) or not content or self.draw(st.booleans()):
            self.note((name,))
            self.put(f"[{self.key(name)}]{self.gap()}\n")
            for key in self.shuffled({key: value for key, value in content.items() if key not in tables}):
                self.assign((name,), key, content[key])
        for key in self.shuffled({key: content[key] for key in tables}):
            self.note((name,))
            self.note((name, key))
            self.put(f"[{self.key(name)} . {self.key(key)}]{self.gap()}\n")
            for each in self.shuffled(content[key]):
                self.assign((name, key), each, content[key][each])

    def assign(self, path: Path, key: str, value: object) -> None:
        self.note((*path, key))
        if isinstance(value, dict) and value and self.draw(st.booleans()):
            for each in value:
                self.put(f"{self.key(key)}.{self.key(each)} = ")
                self.note((*path, key, each))
                self.value((*path, key, each), value[each])
                self.put(self.gap() + "\n")
            return
        self.put(f"{self.key(key)} = ")
        self.value((*path, key), value)
        self.put(self.gap() + "\n")

    def value(self, path: Path, value: object) -> None:
        if isinstance(value, dict):
            self.put("{")
            for position, each in enumerate(value):
                self.put(", " if position else "")
                self.note((*path, each))
                self.put(f"{self.key(each)} = ")
                self.value((*path, each), value[each])
            self.put("}")
        elif isinstance(value, list):
            wide = self.draw(st.booleans())
            self.put("[" + ("  # ] not the end\n\n" if wide else ""))
            for position, each in enumerate(value):
                self.note((*path, position))
                self.value((*path, position), each)
                self.put("," + ("\n" if wide else " "))
            self.put("]")
        elif isinstance(value, str) and "'" not in value and self.draw(st.booleans()):
            self.put(self.draw(st.sampled_from([f"'{value}'", f"'''\n{value}'''"])))
        else:
            self.put(json.dumps(value, ensure_ascii=False))

    def key(self, key: str) -> str:
        bare = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
        return key if bare and self.draw(st.booleans()) else json.dumps(key, ensure_ascii=self.draw(st.booleans()))

    def gap(self) -> str:
        return str(self.draw(st.sampled_from(["", "", "  # = [x] ''' \"", "\n", "\n\n# [comment]"])))

    def put(self, text: str) -> None:
        self.text += text

    def note(self, path: Path) -> None:
        self.lines.setdefault(path, self.text.count("\n") + 1)

    def line_of(self, path: Path) -> int | None:
        return next((self.lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self.lines), None)


relaxed = settings(max_examples=draws(50), deadline=None, suppress_health_check=[HealthCheck.too_slow])


@relaxed
@given(documents(), st.data())
def test_a_sound_document_loads_and_means_the_same_in_toml_and_python(document: Document, data: st.DataObject) -> None:
    """However it is written, and in whatever order."""
    text = Writer(document, data.draw).text
    assert tomllib.loads(text) == document, "the test's own writer"
    policy = Policy.loads(text)
    assert check(text) == ()
    assert policy.hash == Policy(**document).hash == Policy.loads(Writer(document, data.draw).text).hash
    assert set(policy.purposes) == set(document["purposes"])
    assert set(policy.categories) == set(document["categories"])


@relaxed
@given(documents(), st.data())
def test_the_line_of_everything_is_known(document: Document, data: st.DataObject) -> None:
    """Every key and list item of any style of TOML stands where the scanner says."""
    written = Writer(document, data.draw)
    lines = lines_of(written.text)
    assert {path: lines.get(path) for path in written.lines} == written.lines


# ---- faults, one at a time -------------------------------------------------------------------------------------------


def first(document: Document, section: str) -> Document:
    """The first table of a section that is one."""
    assume(document.get(section))
    content: Document = next(iter(document[section].values()))
    assume(isinstance(content, dict))
    return content


def name_of_first(document: Document, section: str) -> str:
    assume(document.get(section))
    return str(next(iter(document[section])))


def put(section: str, key: str, value: object) -> Callable[[Document], Path]:
    """A fault that is a value where it should not be."""

    def spoil(document: Document) -> Path:
        first(document, section)[key] = value
        return (section, name_of_first(document, section), key)

    return spoil


def _unknown_section(document: Document) -> Path:
    document["purpose"] = {}
    return ("purpose",)


def _unknown_category(document: Document) -> Path:
    purpose = first(document, "purposes")
    verb = next((key for key in ("use", "read", "match", "write") if key in purpose), "")
    assume(verb)
    purpose[verb].append("adress")
    return ("purposes", name_of_first(document, "purposes"), verb, len(purpose[verb]) - 1)


def _use_and_read(document: Document) -> Path:
    purpose = first(document, "purposes")
    assume("use" in purpose)
    purpose["read"] = [next(iter(document["categories"]))]
    return ("purposes", name_of_first(document, "purposes"), "read")


def _opens_nothing(document: Document) -> Path:
    purpose = first(document, "purposes")
    for key in ("use", "read", "match", "write", "delete"):
        purpose.pop(key, None)
    document.pop("columns", None)
    return ("purposes", name_of_first(document, "purposes"))


def _unknown_purpose(section: str) -> Callable[[Document], Path]:
    def spoil(document: Document) -> Path:
        table = first(document, section)
        assume("purposes" in table)
        table["purposes"].insert(0, "shiping")
        return (section, name_of_first(document, section), "purposes", 0)

    return spoil


def _no_purposes(section: str) -> Callable[[Document], Path]:
    def spoil(document: Document) -> Path:
        table = first(document, section)
        assume(table.pop("purposes", None))
        return (section, name_of_first(document, section))

    return spoil


def _missing_language(document: Document) -> Path:
    title = first(document, "categories").get("title", {})
    assume(isinstance(title, dict) and len(title) > 1)
    title.popitem()
    return ("categories", name_of_first(document, "categories"), "title")


def _odd_name(name: str) -> Callable[[Document], Path]:
    def spoil(document: Document) -> Path:
        document["categories"][name] = {}
        return ("categories", name)

    return spoil


def _column_of_no_category(document: Document) -> Path:
    document.setdefault("columns", {})["orders.memo"] = "memo"
    return ("columns", "orders.memo")


def _column_without_table(document: Document) -> Path:
    document.setdefault("columns", {})["memo"] = next(iter(document["categories"]))
    return ("columns", "memo")


def _on_failure(document: Document) -> Path:
    document["log"] = {"on_failure": "go on"}
    return ("log", "on_failure")


def _no_version(document: Document) -> Path:
    del document["policy"]["version"]
    return ("policy",)


def _section_is_text(document: Document) -> Path:
    document["log"] = "refuse"
    return ("log",)


SPOILED: dict[str, Callable[[Document], Path]] = {
    "an unknown section": _unknown_section,
    "a section that is text": _section_is_text,
    "an unknown key of a category": put("categories", "titel", "x"),
    "an unknown key of a purpose": put("purposes", "catergories", []),
    "an unknown key of a role": put("roles", "purpose", []),
    "an unknown category": _unknown_category,
    "an unknown purpose of a role": _unknown_purpose("roles"),
    "an unknown purpose of a system": _unknown_purpose("systems"),
    "a role without purposes": _no_purposes("roles"),
    "a system without purposes": _no_purposes("systems"),
    "use beside read": _use_and_read,
    "a purpose that opens nothing": _opens_nothing,
    "misspelt consent": put("purposes", "consent", "optin"),
    "misspelt rows": put("purposes", "rows", "mine"),
    "a clause that is a number": put("purposes", "clause", 11),
    "tables that are text": put("purposes", "delete", "customers"),
    "anonymous that is text": put("roles", "anonymous", "no"),
    "a mask that is a number": put("categories", "mask", 0),
    "a title that is true": put("categories", "title", True),
    "a title not in every language": _missing_language,
    "an empty name": _odd_name(""),
    "a name with a dot": _odd_name("a.b"),
    "a column of no category": _column_of_no_category,
    "a column without table": _column_without_table,
    "misspelt on_failure": _on_failure,
    "no version": _no_version,
}


@pytest.mark.parametrize("name", SPOILED)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(document=documents(), data=st.data())
def test_one_fault_in_any_document_is_told_once_in_its_place(
    name: str, document: Document, data: st.DataObject
) -> None:
    """No fault is missed, none is invented, and the line is the one where it stands."""
    spoiled = copy.deepcopy(document)
    path = SPOILED[name](spoiled)
    written = Writer(spoiled, data.draw)
    (fault,) = check(written.text)
    assert fault.place == shown(path)
    assert fault.line == written.line_of(path)


# ---- covering --------------------------------------------------------------------------------------------------------


def opens(document: Document, purpose: str, verb: str, category: str) -> bool:
    """What the document says, read as plainly as can be."""
    table = document["purposes"][purpose]
    return category in table.get("use", table.get(verb, []))


@relaxed
@given(documents(), st.data())
def test_a_grant_covers_what_its_purposes_open_and_nothing_else(document: Document, data: st.DataObject) -> None:
    """The tables worked out beforehand agree with a plain reading of the document."""
    document.pop("roles", None)
    purposes = data.draw(several(list(document["purposes"]), least=0))
    only = data.draw(st.none() | st.frozensets(st.sampled_from(NAMES), max_size=3))
    grant = Policy(**document).grant(purposes, [])
    for verb in VERBS:
        for category in [*document["categories"], "unheard_of"]:
            opening = {p for p in purposes if opens(document, p, verb, category) and (only is None or p in only)}
            assert grant.covers(verb, category, only) == bool(opening)
            own = {p for p in opening if document["purposes"][p].get("rows") == "own"}
            assert grant.own_only(verb, category, only) == (bool(opening) and own == opening)
    for table in TABLES:
        deleting = {p for p in purposes if table in document["purposes"][p].get("delete", [])}
        assert grant.may_delete(table) == bool(deleting)
        own = {p for p in deleting if document["purposes"][p].get("rows") == "own"}
        assert grant.deletes_own_only(table) == (bool(deleting) and own == deleting)


CHANGES: dict[str, Callable[[Document], object]] = {
    "the version": lambda d: d["policy"].update(version=d["policy"]["version"] + "x"),
    "a new category": lambda d: d["categories"].update(brand_new={}),
    "a purpose": lambda d: d["purposes"].update(brand_new={"delete": ["t"]}),
    "a clause": lambda d: next(iter(d["purposes"].values())).update(clause="9-9"),
    "a mask": lambda d: next(iter(d["categories"].values())).update(mask="?"),
    "a column": lambda d: d.setdefault("columns", {}).update({"new.column": next(iter(d["categories"]))}),
    "a system": lambda d: d.setdefault("systems", {}).update(brand_new={"purposes": [next(iter(d["purposes"]))]}),
}


@pytest.mark.parametrize("name", CHANGES)
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(document=documents())
def test_the_hash_changes_with_the_meaning(name: str, document: Document) -> None:
    """What the log says of a policy tells it from every other."""
    before = Policy(**document).hash
    CHANGES[name](document)
    assert Policy(**document).hash != before


def test_the_hash_does_not_change_with_how_the_same_is_said() -> None:
    """Short forms, left-out defaults, and orders that mean nothing."""
    head = {"id": "a", "version": "1", "languages": ["en", "ja"]}
    short = Policy(
        policy=head,
        categories={"x": {}, "y": {"title": "Y"}},
        purposes={"p": {"use": ["y", "x"], "dpv": "T"}},
        columns={"t.c": "x"},
    )
    long = Policy(
        policy=head,
        log={"on_failure": "refuse"},
        columns={"t.c": {"category": "x", "encrypt": False}},
        purposes={
            "p": {
                "read": ["x", "y"],
                "match": ("y", "x"),
                "write": {"x", "y"},
                "consent": "none",
                "rows": "all",
                "dpv": ["T"],
                "title": {"ja": "p", "en": "p"},
            }
        },
        categories={"y": {"title": {"ja": "Y", "en": "Y"}}, "x": {"title": "x"}},
    )
    assert short.hash == long.hash
    assert short.hash.startswith("sha256:")
    assert len(short.hash) == len("sha256:") + 64


def test_the_hash_is_the_same_on_every_machine_and_every_day() -> None:
    """The log names policies by it for years, so a change of the canonical form has to be meant."""
    categories = ["a", "b", "c", "d", "e", "f", "g", "住所"]
    policy = Policy(
        policy={"id": "golden", "version": "1", "languages": ["en", "ja"], "controller": "店"},
        categories={name: {} for name in categories},
        purposes={"p": {"use": categories, "delete": ["t", "u", "v", "w"]}},
        roles={"r": {"purposes": ["p"]}},
    )
    assert policy.hash == "sha256:f6049b135615061d7320979ba6ddf8af568bc8c6ca8f89c6048def9b50bf8f45"


def test_a_touch_is_a_plain_value() -> None:
    """Requests can be kept and compared."""
    assert Touch("a.b", "x") == Touch("a.b", "x")
    assert len({Touch("a.b", "x"), Touch("a.b", "x"), Touch("a.b", "x", frozenset())}) == 2
