"""A migration file holds names and plain types: no key, no policy, and no import of the application."""

from __future__ import annotations

import ast
import base64
from pathlib import Path

from sqlalchemy import Date, Engine, Enum, MetaData, Numeric, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from sa_privacy import AccessLog, DataSubject, Keyring, Lookup, Policy, Privacy, pii_column
from tests.integrations.conftest import ProjectMaker
from tests.integrations.project import SILENT

pytestmark = SILENT
CATEGORIES = ("secret_name", "secret_email", "secret_phone", "secret_birthday")
POLICY = Policy(
    policy={"id": "secret_policy", "version": "1"},
    categories={name: {} for name in CATEGORIES},
    purposes={"secret_purpose": {"use": list(CATEGORIES)}},
    roles={"secret_role": {"purposes": ["secret_purpose"]}},
)


def digits(phone: str) -> str:
    """A telephone number without what people put between its digits."""
    return "".join(filter(str.isdigit, phone))


class Base(DeclarativeBase):
    """Registry of these models."""

    metadata = MetaData()


class Person(Base):
    """Every kind of annotated column."""

    __tablename__ = "people"
    __data_subject__ = DataSubject("secret_kind", key="id")
    __table_args__ = (
        UniqueConstraint("shop", "login", name="uq_login"),
        {"info": {"data_subject": DataSubject("secret_kind", key="id")}},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    shop: Mapped[str] = pii_column(String(20), category="secret_name", encrypt=False, purposes=["secret_purpose"])
    name: Mapped[str] = pii_column(category="secret_name", field="secret_field", purposes=["secret_purpose"])
    login: Mapped[str] = pii_column(String(20), category="secret_name", lookup=Lookup("exact", shared="secret_shared"))
    email: Mapped[str | None] = pii_column(String(320), category="secret_email", lookup="casefold", unique=True)
    phone: Mapped[str | None] = pii_column(String(20), category="secret_phone", lookup=digits, index=True)
    born: Mapped[object] = pii_column(Date, category="secret_birthday")
    paid: Mapped[object] = pii_column(Numeric(10, 2), category="secret_birthday")
    mood: Mapped[object] = pii_column(Enum("secret_up", "secret_down", name="mood"), category="secret_birthday")


def every_form(ring: Path) -> set[str]:
    """The keys of a keyring file, in each spelling that they could have in another file."""
    texts = {word for word in ring.read_text(encoding="utf-8").replace(",", "\n").split('"') if len(word) > 30}
    assert texts
    raw = {base64.urlsafe_b64decode(word + "=" * (-len(word) % 4)) for word in texts}
    made = {spelling(key) for key in raw for spelling in (bytes.hex, repr, lambda key: base64.b64encode(key).decode())}
    return texts | made | {key.hex(" ") for key in raw}


def test_nothing_of_the_keys_or_the_policy_is_written(engine: Engine, project: ProjectMaker, tmp_path: Path) -> None:
    keys = Keyring.generate()
    keys.rotate()
    keys.save(tmp_path / "keys.json")
    privacy = Privacy(POLICY, keys=keys, log=AccessLog.open(tmp_path / "log"), metadata=Base.metadata)
    privacy.install(engine)
    migrations = project(Base.metadata)
    new = migrations.autogenerate("new")
    privacy.close()
    migrations.upgrade()
    migrations.check()

    before = MetaData()
    for table in Base.metadata.tables.values():
        for column in table.to_metadata(before).columns:
            assert column.name
    migrations.use(MetaData())
    gone = migrations.step()
    for script in (new, gone):
        assert not [form for form in every_form(tmp_path / "keys.json") if form in script]
        assert "secret" not in script
        assert imports(script) <= {"typing", "alembic", "sqlalchemy", "sa_privacy.integrations.alembic"}
    assert "sa.Column('mood', sa.LargeBinary(), nullable=False)" in new
    assert "info=" not in new


def imports(script: str) -> set[str]:
    """The modules that a migration file imports."""
    found = set()
    for node in ast.walk(ast.parse(script)):
        if isinstance(node, ast.ImportFrom):
            found.add(str(node.module))
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return found - {"sqlalchemy.dialects"}
