"""docs/frameworks/*.md, done: every block is a file of one project, and its tests are run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from sa_privacy import Keyring

REPOSITORY = Path(__file__).parents[2]
NAMES = ("asgi.md", "wsgi.md", "fastapi.md", "flask.md", "sqlmodel.md", "celery.md", "testing.md")
PAGES = {name: (REPOSITORY / "docs" / "frameworks" / name).read_text(encoding="utf-8") for name in NAMES}
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")

#: The README's shop up to where it writes its first customer.
SHOP = re.findall(r"```python\n(.*?)with privacy\.access", README, flags=re.DOTALL)[0]
#: What a reader tries of each page.
TRIED = """
import asyncio
import warnings

import pytest
from fastapi.testclient import TestClient
from flask_shop import Member, create_app, db, privacy as flask_privacy
from heroes import Parcel, Subscriber, SubscriberPublic
from pydantic import ValidationError
from sqlalchemy import create_engine
from sqlmodel import Session, SQLModel, select
from werkzeug.test import Client

import plain_asgi, plain_wsgi, tasks, web
from sa_privacy import NoAccess, Privacy
from sa_privacy.testing import maintenance


def test_fastapi(customer):
    client = TestClient(web.app)
    get = lambda path, token: client.get(f"/{path}/{customer}", headers={"authorization": f"Bearer {token}"})
    assert get("labels", "w").json() == {"name": "Hanako", "address": "1 Example St"}
    assert get("birthdays", "m").json() is None
    assert get("cards", "w").json() == {"name": "Hanako", "address": "1 Example St", "birthday": None}
    said = get("profiles", "w").json()
    assert len(said.pop("request")) == 32
    assert said | {"request": "4bf92f3577b34da6a3ce929d0e0e4736"} == PROBLEM
    assert [get(*asked).status_code for asked in (("labels", "m"), ("birthdays", "w"), ("labels", "x"))] == [403, 403, 401]


def test_asgi_and_wsgi(first_customer):
    assert TestClient(plain_asgi.app).get("/label").text == "1 Example St"
    assert TestClient(plain_asgi.app).get("/other").status_code == 403
    assert Client(plain_wsgi.app).get("/label").text == "1 Example St"
    assert Client(plain_wsgi.app).get("/other").status_code == 403


def test_flask():
    app = create_app()
    with app.app_context(), maintenance(flask_privacy):
        db.create_all()
        db.session.add(Member(id=1, name="Hanako", email="h@example.org"))
        db.session.commit()
    client = app.test_client()
    get = lambda path, token: client.get(f"/{path}/1", headers={"x-token": token})
    assert (get("label", "w").text, get("letter", "m").text) == ("Hanako", "h@example.org")
    assert [get(*asked).status_code for asked in (("card", "w"), ("letter", "w"), ("label", "m"), ("label", ""))] == [403] * 4


def test_sqlmodel():
    from sa_privacy import AccessLog, Keyring
    privacy = Privacy("privacy.toml", keys=Keyring.load("keys.json"), log=None, metadata=SQLModel)
    engine = create_engine("sqlite://")
    privacy.install(engine)
    SQLModel.metadata.create_all(engine)
    with maintenance(privacy), Session(engine) as session:
        session.add(Subscriber(name="Hanako", email="h@example.org", parcels=[Parcel(address="1 Example St")]))
        session.commit()
    shipping = dict(role="warehouse", actor="staff:17")
    with privacy.access("shipping", **shipping), Session(engine) as session:
        found = session.exec(select(Subscriber)).one()
        assert found.parcels[0].address == "1 Example St"
        assert found.model_dump() == {"id": 1, "name": "Hanako"}
        with pytest.raises(ValidationError):
            SubscriberPublic.model_validate(found)
    with privacy.access("shipping", withheld="none", **shipping), Session(engine) as session:
        assert SubscriberPublic.model_validate(session.exec(select(Subscriber)).one()).birthday is None
    with privacy.access("campaigns", role="marketing"), Session(engine) as session:
        found = session.exec(select(Subscriber).where(Subscriber.email == "H@example.org")).one()
        assert found.model_dump()["email"] == "h@example.org"
        copied = found.model_copy()
        with privacy.access("shipping", role="warehouse"):
            assert "email" not in {**found.model_dump(), **copied.model_dump()}
    privacy.close()


def test_celery(customer, privacy):
    with privacy.access(role="warehouse", actor="staff:17"):
        assert tasks.print_label(customer) == "1 Example St"
    assert tasks.birthday_mails() == 1
    with pytest.raises(NoAccess):
        tasks.print_label(customer)


@pytest.fixture
def stays(privacy_maintenance):
    with privacy_maintenance:
        yield


def test_left_in_maintenance(stays):
    print("never run")


def test_nothing_is_as_it_says(privacy_denied, privacy_access):
    with privacy_denied("customers.email"), privacy_access("shipping", role="warehouse"):
        print("nothing is denied")
"""
INI = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
filterwarnings = error
"""
CONFTEST = """

@pytest.fixture
def first_customer(customer):
    if customer != 1:
        pytest.fail("it is not the first")
"""


def test_the_pages_can_be_followed(tmp_path: Path) -> None:
    files = {
        name: text
        for page in PAGES.values()
        for name, text in re.findall(r"```python\n# (\S+)\n(.*?)```", page, re.DOTALL)
    }
    (problem,) = re.findall(r"```json\n(.*?)```", PAGES["fastapi.md"], re.DOTALL)
    files |= {"shop.py": SHOP, "test_pages.py": f"PROBLEM = {problem}\n{TRIED}"}
    files["conftest.py"] += CONFTEST
    files["privacy.toml"] = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)[0]
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text(INI, encoding="utf-8")
    Keyring.generate().save(tmp_path / "keys.json")
    (tmp_path / "var").mkdir()
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-rA", "--tb=short"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY / 'src'}{os.pathsep}{tmp_path}"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    passed, failed = (
        set(re.findall(rf"^{word} \S+::(\w+)", ran.stdout, re.MULTILINE)) for word in ("PASSED", "FAILED")
    )
    assert failed == {"test_left_in_maintenance", "test_nothing_is_as_it_says"}, ran.stdout + ran.stderr
    assert len(passed) == len(re.findall(r"^(?:async )?def test_", "".join(files.values()), re.MULTILINE)) - 2, (
        ran.stdout
    )
    assert "would run under maintenance: a fixture of it yields inside" in ran.stdout
    assert "AssertionError: nothing was denied" in ran.stdout


#: Says what was imported that nobody asked for: with the library, with the middlewares, and with the plugin.
IMPORTS = """
import sys
others = ("alembic", "celery", "fastapi", "flask", "jinja2", "pydantic", "pytest", "sqlmodel", "starlette", "typer", "werkzeug")
found = lambda: [name for name in others if name in sys.modules]
import sa_privacy
print(found())
import sa_privacy.integrations.asgi, sa_privacy.integrations.wsgi
print(found())
import sa_privacy.testing
print(found())
"""


def test_importing_brings_no_framework() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", IMPORTS],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.splitlines() == ["[]", "[]", "['pytest']"]
