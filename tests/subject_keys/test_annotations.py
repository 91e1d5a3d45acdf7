"""How one says that a column is under people's keys, and what is refused."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from sqlalchemy import Column, Engine, ForeignKey, Integer, LargeBinary, MetaData, String, Table
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sa_privacy import DataSubject, Encrypted, Keyring, Policy, PolicyError, Privacy, pii_column
from sa_privacy.columns import SubjectEncrypted
from sa_privacy.columns.subject_keys import SUBJECT_KEYS
from sa_privacy.policy.writing import as_sections, as_toml
from tests.subject_keys.world import Person, Rows, clerk

OF: dict[str, Any] = {"data_subject": DataSubject("person", key="id")}


def policy(**columns: Any) -> Policy:
    return Policy(
        policy={"id": "p", "version": "1"},
        categories={"name": {}},
        purposes={"all": {"use": ["name"]}},
        columns=columns,
    )


def catalogue(metadata: MetaData, said: Policy | None = None) -> Any:
    privacy = Privacy(said or policy(), log=None, metadata=metadata)
    try:
        return privacy.catalogue
    finally:
        privacy.close()


def people(*columns: Any, **options: Any) -> MetaData:
    metadata = MetaData()
    Table("people", metadata, Column("id", Integer, primary_key=True), *columns, **{"info": OF, **options})
    return metadata


class TestWaysToSayIt:
    def test_in_a_type(self) -> None:
        kind = Encrypted(String(20), category="name", key="subject")
        assert type(kind) is SubjectEncrypted
        assert kind.key == "subject"
        assert type(kind.copy()) is type(pickle.loads(pickle.dumps(kind))) is SubjectEncrypted
        assert type(kind.bound_to("a.b")) is SubjectEncrypted
        assert type(Encrypted(category="name")) is Encrypted
        assert catalogue(people(Column("name", kind))).columns["people.name"].by_subject

    def test_in_a_mapped_class(self) -> None:
        assert type(Person.__table__.c.name.type) is SubjectEncrypted
        assert Person.__table__.c.name.type.field == "people.name"

    def test_in_the_policy(self) -> None:
        metadata = people(Column("name", String(20)))
        said = policy(**{"people.name": {"category": "name", "encrypt": True, "key": "subject"}})
        assert catalogue(metadata, said).columns["people.name"].by_subject
        assert type(metadata.tables["people"].c.name.type) is SubjectEncrypted
        assert Policy.loads(as_toml(as_sections(said))).hash == said.hash

    def test_on_a_model_one_cannot_edit(self) -> None:
        metadata = people(Column("name", String(20)))
        privacy = Privacy(policy(), log=None, metadata=metadata)
        try:
            privacy.annotate(metadata.tables["people"].c.name, category="name", key="subject")
            assert privacy.catalogue.columns["people.name"].by_subject
        finally:
            privacy.close()

    def test_a_policy_that_says_nothing_of_keys_keeps_its_hash(self) -> None:
        sealed = {"category": "name", "encrypt": True}
        assert policy(**{"people.name": sealed}).hash != policy(**{"people.name": {**sealed, "key": "subject"}}).hash


class TestWhatIsRefused:
    @pytest.mark.parametrize("key", ["Subject", "subjects", "subjekt"])
    def test_a_key_that_there_is_none_of(self, key: str) -> None:
        with pytest.raises(PolicyError, match="not known"):
            pii_column(category="name", key=key)
        with pytest.raises(PolicyError, match="not known"):
            Encrypted(category="name", key=key)

    def test_the_key_of_a_column_is_the_columns(self) -> None:
        class Base(DeclarativeBase):
            pass

        class Human(Base):
            __tablename__ = "humans"
            __data_subject__ = DataSubject("human", key="id")
            id: Mapped[int] = mapped_column(primary_key=True)
            name: Mapped[str] = pii_column(category="name", key="called")

        assert type(Human.__table__.c.called.type) is Encrypted

    def test_a_column_that_is_not_sealed(self) -> None:
        with pytest.raises(PolicyError, match="unsealed"):
            pii_column(category="name", encrypt=False, key="subject")
        with pytest.raises(PolicyError, match="encrypt"):
            policy(**{"people.name": {"category": "name", "key": "subject"}})

    def test_a_table_of_nobody(self) -> None:
        metadata = people(Column("name", Encrypted(category="name", key="subject")), info={})
        with pytest.raises(PolicyError, match="names no data subject"):
            catalogue(metadata)

    def test_two_sayings_that_differ(self) -> None:
        with pytest.raises(PolicyError, match="twice"):
            pii_column(Encrypted(category="name"), category="name", key="subject")

    def test_a_foreign_key(self) -> None:
        with pytest.raises(PolicyError):
            pii_column(String(20), ForeignKey("x.id"), category="name", key="subject")


class TestTheKeyTable:
    def test_it_is_looked_after_where_there_are_such_columns_and_nowhere_else(self) -> None:
        with_keys = catalogue(people(Column("name", Encrypted(category="name", key="subject"))))
        without = catalogue(people(Column("name", Encrypted(category="name"))))
        assert with_keys.owns(None, SUBJECT_KEYS.name)
        assert not without.owns(None, SUBJECT_KEYS.name)
        for one in (with_keys, without):
            assert not one.owns(None, "sa_privacy_consents")
            assert not one.is_plain(None, "sa_privacy_consents")

    def test_its_columns_are_wide_enough(self) -> None:
        kinds: dict[str, Any] = {column.name: column.type for column in SUBJECT_KEYS.columns}
        assert isinstance(kinds["id"], LargeBinary)
        assert (kinds["id"].length, kinds["wrapped"].length) == (16, 65)

    def test_where_it_is_missing_the_error_says_what_to_do(
        self, engine: Engine, privacy: Privacy, rows: Rows, ring: Keyring
    ) -> None:
        SUBJECT_KEYS.drop(rows.plain)
        privacy.install(engine)
        with clerk(privacy), Session(engine) as session, pytest.raises(Exception, match=SUBJECT_KEYS.name) as caught:
            session.get(Person, 1)
        assert "tables upgrade" in str(caught.value)


def test_an_engine_without_a_privacy_reads_none_of_it(rows: Rows) -> None:
    with Session(rows.plain) as session, pytest.raises(Exception, match="cannot be read"):
        session.get(Person, 1)
