"""What annotations say is checked against the policy, and holds wherever a column may be declared."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from sqlalchemy import Engine, String, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, configure_mappers, mapped_column
from sqlalchemy_utils import ChoiceType, EmailType, JSONType, ScalarListType, StringEncryptedType, URLType, UUIDType
from sqlalchemy_utils.types.encrypted.encrypted_type import AesGcmEngine

from sa_privacy import Keyring, NoAccess, Policy, PolicyError, Privacy, PurposeDenied, pii_column
from tests.columns.support import make_privacy

KEYS = Keyring.generate()
POLICY = Policy(
    policy={"id": "annotations", "version": "1"},
    categories={"name": {}, "email": {}},
    purposes={"shipping": {"use": ["name", "email"]}, "billing": {"use": ["name", "email"]}},
)


def privacy_for(base: Any) -> Privacy:
    return make_privacy(base, keys=KEYS, policy=POLICY)


# -- purposes ---------------------------------------------------------------------------------------------------------


def test_an_unknown_purpose_of_a_column_is_refused_when_the_mapper_is_configured() -> None:
    class Base(DeclarativeBase):
        pass

    privacy = privacy_for(Base)
    try:

        class Parcel(Base):
            __tablename__ = "annotated_parcels"
            id: Mapped[int] = mapped_column(primary_key=True)
            name: Mapped[str] = pii_column(category="name", purposes=["shiping", "billing"])

        with pytest.raises(PolicyError, match=r'annotated_parcels\.name is annotated with purpose "shiping"') as caught:
            configure_mappers()
        assert caught.value.hint == "did you mean shipping?"
        assert caught.value.columns == ("annotated_parcels.name",)
    finally:
        privacy.close()
        Base.registry.dispose()


def test_an_unknown_purpose_is_refused_when_the_privacy_is_made_and_told_beside_an_unknown_category() -> None:
    class Base(DeclarativeBase):
        pass

    class Parcel(Base):
        __tablename__ = "annotated_parcels_2"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = pii_column(category="nam", purposes=["post"])

    with pytest.raises(PolicyError, match=r'category "nam".* with purpose "post".*no such category or purpose'):
        privacy_for(Base)
    Base.registry.dispose()


def test_annotate_refuses_an_unknown_purpose() -> None:
    class Base(DeclarativeBase):
        pass

    class Parcel(Base):
        __tablename__ = "annotated_parcels_3"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]

    privacy = privacy_for(Base)
    try:
        with pytest.raises(PolicyError, match='no purpose "shiping"'):
            privacy.annotate(Parcel.name, category="name", purposes=["shiping"], encrypt=False)
        privacy.annotate(Parcel.name, category="name", purposes=["shipping"], encrypt=False)
        assert privacy.catalogue.columns["annotated_parcels_3.name"].purposes == frozenset({"shipping"})
    finally:
        privacy.close()


# -- Annotated --------------------------------------------------------------------------------------------------------

Name = Annotated[str, pii_column(category="name")]
Email = Annotated[str | None, pii_column(String(80), category="email", encrypt=False, purposes=["shipping"])]
Key = Annotated[int, mapped_column(primary_key=True)]


class Base(DeclarativeBase):
    """Registry of the classes whose columns stand in ``Annotated``."""


class Sender(Base):
    __tablename__ = "annotated_senders"
    id: Mapped[Key]
    name: Mapped[Name]
    email: Mapped[Email]


class Receiver(Base):
    __tablename__ = "annotated_receivers"
    id: Mapped[Key]
    name: Mapped[Name] = mapped_column("full_name")
    email: Mapped[Email]


def raw(engine: Engine, sql: str) -> Any:
    with engine.connect() as connection:
        return connection.execute(text(sql)).scalar_one()


@pytest.mark.parametrize(("kind", "column"), [(Sender, "name"), (Receiver, "full_name")])
def test_a_pii_column_in_annotated_is_sealed_and_guarded_in_every_class(
    kind: Any, column: str, engine: Engine, make_engine: Callable[..., Engine]
) -> None:
    privacy = privacy_for(Base)
    privacy.install(engine)
    Base.metadata.create_all(engine)
    try:
        table = kind.__tablename__
        assert privacy.catalogue.columns[f"{table}.{column}"].field == f"{table}.{column}"
        with privacy.access("shipping"), Session(engine) as session:
            session.add(kind(name="Ann", email="ann@example.com"))
            session.commit()
        assert b"Ann" not in bytes(raw(make_engine(), f"SELECT {column} FROM {table}"))
        with Session(engine) as session:
            found = session.scalars(select(kind)).one()
            with pytest.raises(NoAccess):
                _ = found.name
            with privacy.access("billing"):
                assert found.name == "Ann"
                with pytest.raises(PurposeDenied):  # purposes= of the Annotated column
                    _ = found.email
            with privacy.access("shipping"):
                assert found.email == "ann@example.com"
    finally:
        privacy.close()


async def test_a_pii_column_in_annotated_works_on_an_async_engine(async_engine: AsyncEngine) -> None:
    privacy = privacy_for(Base)
    privacy.install(async_engine)
    try:
        async with async_engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        with privacy.access("shipping"):
            async with AsyncSession(async_engine) as session:
                session.add(Sender(name="Ann", email=None))
                await session.commit()
                assert (await session.scalars(select(Sender))).one().name == "Ann"
    finally:
        privacy.close()


# -- types of sqlalchemy-utils ----------------------------------------------------------------------------------------


class Size(enum.Enum):
    """Choices."""

    small = "s"
    large = "l"


TYPES: dict[str, tuple[Callable[[], Any], Any]] = {
    "email": (EmailType, "ann@example.com"),
    "json": (JSONType, {"a": [1, "b"]}),
    "uuid": (lambda: UUIDType(binary=False), uuid.UUID(int=5)),
    "choice": (lambda: ChoiceType(Size, impl=String(1)), Size.large),
    "list": (lambda: ScalarListType(int), [1, 2, 3]),
    "encrypted": (lambda: StringEncryptedType(String, "a key", AesGcmEngine), "ann@example.com"),
    "url": (URLType, "https://example.com"),
}


@pytest.mark.parametrize("encrypt", [True, False])
@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("how", ["pii_column", "annotate"])
def test_types_of_sqlalchemy_utils_work(name: str, how: str, engine: Engine, *, encrypt: bool) -> None:
    kind, value = TYPES[name]

    class Own(DeclarativeBase):
        pass

    made = kind()
    column: Any = pii_column(made, category="name", encrypt=encrypt) if how == "pii_column" else mapped_column(made)
    thing: Any = type(
        "Thing", (Own,), {"__tablename__": "things", "id": mapped_column(String(9), primary_key=True), "it": column}
    )
    privacy = privacy_for(Own)
    try:
        if how == "annotate":
            privacy.annotate(thing.it, category="name", encrypt=encrypt)
        privacy.install(engine)
        Own.metadata.create_all(engine)
        assert privacy.catalogue.columns["things.it"].sealed is encrypt
        with privacy.access("shipping"), Session(engine) as session:
            session.add(thing(id="1", it=value))
            session.add(thing(id="2", it=None))
            session.commit()
            found = session.scalars(select(thing.it).order_by(thing.id)).all()
        assert found[0] == value
        assert type(found[0]) is type(value)
        assert found[1] is None or found[1] == []
        with Session(engine) as session, pytest.raises(NoAccess):
            _ = session.scalars(select(thing)).all()[0].it
    finally:
        privacy.close()
        Own.registry.dispose()
