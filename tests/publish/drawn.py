"""Drawn policies with everything in them, and models to go with them; their words are out to break what is made of them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, String, Table

from sa_privacy.columns import Encrypted
from tests.policy.test_policy_properties import Document, documents, several

__all__ = ["NASTY", "documents_with_everything", "models"]

NASTY = [
    *(
        '<script>alert("1")</script>',
        "</title></style></svg>",
        "a & b &amp; c",
        '"><img src=x onerror=1>',
        "]]>",
        "{{ 7*7 }}",
    ),
    *("| a | b |", "# head", "- point", "1. one", "*em* _em_ `code` [x](y) ~~z~~ ![i](j)", "=1+1", "@SUM(A1)", "＝1+1"),
    *(
        "{title}",
        "%s",
        "two\nlines\n\nthree",
        "氏名、住所",
        "ﾊﾝｶｸ",
        "e\u0301",
        "\u202eright to left",
        "a" * 300,
        "長" * 200,
        "x\ty",
    ),
]
WORDS = st.sampled_from(NASTY)
PERIODS = st.sampled_from(["P1D", "P7D", "P1Y", "P1Y6M", "P3Y2M1D"])


@st.composite
def documents_with_everything(draw: st.DrawFn) -> Document:
    """Sound policy documents with every section that is told to people."""
    document = draw(documents())
    languages = document["policy"]["languages"]
    categories, purposes = list(document["categories"]), list(document["purposes"])

    def words() -> Any:
        return draw(WORDS) if draw(st.booleans()) else {language: draw(WORDS) for language in languages}

    document["policy"]["controller"] = words()
    for section in ("categories", "purposes"):
        for table in document[section].values():
            table["title"] = words()
    document["wordings"] = {
        name: {"title": words(), "version": "1", "text": words(), "valid_for": draw(PERIODS)}
        for name in ("q", "pledge")
    }
    for purpose in document["purposes"].values():
        if purpose.get("consent", "none") != "none":
            purpose["wording"] = "q"
    kinds = draw(several(["processor", "third_party", "third_party_abroad", "authority"]))
    document["recipients"] = {
        kind: {
            "title": words(),
            "kind": kind,
            "categories": draw(several(categories)),
            "address": draw(WORDS),
            **(
                {"purposes": draw(several(purposes)), "contract": "c", "review_by": "2027-03-31"}
                if kind == "processor"
                else {}
            ),
            **({"country": draw(WORDS)} if kind == "third_party_abroad" else {}),
            **({"wording": "q"} if kind != "authority" and draw(st.booleans()) else {}),
        }
        for kind in kinds
    }
    document["grounds"] = {
        "g": {"title": words(), "article": "27-1-2", "requires": ["approver", "until"], "clause": draw(WORDS)}
    }
    officer: Document = {"title": words(), "disclose": kinds, "pledge": "pledge"}
    glass = draw(st.booleans())
    if purposes and glass:
        officer |= {"break_glass": draw(several(purposes)), "break_glass_for": "PT1H30M"}
    document["roles"] = {**document.get("roles", {}), "officer": officer}
    document["requests"] = {"identity": ["card"], "identity_words": {"card": words()}, "roles": ["officer"]}
    document["retention"] = {
        "r": {
            "title": words(),
            "category": draw(st.sampled_from(categories)),
            "clock": "at",
            "since": words(),
            "period": draw(PERIODS),
            "action": "anonymise",
            "guards": {"w": {"title": words(), "sql": "1=1", "ends": words()}},
            "reasons": {"l": {"title": words(), "law": draw(WORDS), "period": draw(PERIODS)}},
        }
    }
    document["contact"] = {"address": words(), "complaints": words()}
    document.pop("columns", None)
    return document


@st.composite
def models(draw: st.DrawFn, categories: list[str]) -> MetaData:
    """Tables whose columns hold some of the categories."""
    metadata = MetaData()
    names = ["customers", "=1+1", "<b>", "表", 'a"b', "t" * 80]
    for name in draw(st.lists(st.sampled_from(names), max_size=6, unique=True)):
        columns: list[Column[Any]] = [
            Column(f"{draw(st.sampled_from(['c', '@x', '列', '<i>']))}{at}", Encrypted(String(), category=category))
            for at, category in enumerate(draw(several(categories)))
        ]
        Table(name, metadata, Column("id", Integer, primary_key=True), *columns)
    return metadata
