"""Flask and Flask-SQLAlchemy: purposes by endpoint, engines of all binds, denials as answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask, Response, render_template_string, request, stream_with_context
from flask.testing import FlaskClient
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Date, Engine, MetaData, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from sa_privacy import (
    AccessDenied,
    AccessLog,
    DataSubject,
    NoAccess,
    Privacy,
    PurposeDenied,
    UnknownPurpose,
    pii_column,
)
from sa_privacy.integrations.flask import Problem, by_endpoint, install
from tests.integrations.web import world

WAREHOUSE, MARKETING = {"x-staff": "17"}, {"x-staff": "34"}


class Base(DeclarativeBase):
    """Registry of the application's models, which Flask-SQLAlchemy makes its own."""


db = SQLAlchemy(model_class=Base)


class Customer(db.Model):  # type: ignore[name-defined, misc]
    """A person."""

    __tablename__ = "flask_customers"
    __data_subject__ = DataSubject("customer", key="id")

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = pii_column(category="name")
    address: Mapped[str] = pii_column(category="address")
    birthday: Mapped[date | None] = pii_column(Date, category="birthday", encrypt=False)


class Letter(db.Model):  # type: ignore[name-defined, misc]
    """What was sent to somebody, in a database of its own."""

    __tablename__ = "flask_letters"
    __bind_key__ = "letters"
    __data_subject__ = DataSubject("customer", key="customer")

    customer: Mapped[int] = mapped_column(primary_key=True)
    address: Mapped[str] = pii_column(category="address")


@pytest.fixture
def flask_privacy(tmp_path: Path) -> Iterator[Privacy]:
    metadatas: list[MetaData] = list(db.metadatas.values())
    made = Privacy(world.POLICY, keys=world.KEYS, log=AccessLog.open(tmp_path / "log"), metadata=metadatas)
    yield made
    made.close()


@pytest.fixture
def app(tmp_path: Path, flask_privacy: Privacy) -> Iterator[Flask]:
    """An application as its team wrote it, and one call of ours."""
    privacy = flask_privacy
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path / 'shop.db'}"
    app.config["SQLALCHEMY_BINDS"] = {"letters": f"sqlite:///{tmp_path / 'letters.db'}"}
    db.init_app(app)
    campaigns = Blueprint("campaigns", __name__, url_prefix="/campaigns")

    @app.before_request
    def signed_in() -> None:
        world.sign_in(privacy, request.headers)

    @app.get("/label/<int:number>")
    def label(number: int) -> str:
        customer = db.session.get_one(Customer, number)
        return f"{customer.address} {db.session.scalars(select(Letter.address)).one()}"

    @app.get("/undeclared/<int:number>")
    def undeclared(number: int) -> str:
        return str(db.session.get_one(Customer, number).address)

    @app.get("/decorated/<int:number>")
    @privacy.access("shipping")
    def decorated(number: int) -> str:
        return str(db.session.get_one(Customer, number).address)

    @app.get("/page/<int:number>")
    def page(number: int) -> str:
        return render_template_string("{{ c.address }} {{ c.birthday }}", c=db.session.get_one(Customer, number))

    @app.get("/export")
    def export() -> Response:
        def lines() -> Iterator[str]:
            for customer in db.session.scalars(select(Customer)):
                yield f"{customer.address}\n"
            assert privacy.current().access.actor is not None

        return Response(stream_with_context(lines()))

    @campaigns.get("/<int:number>")
    def birthdays(number: int) -> str:
        return str(db.session.get_one(Customer, number).birthday)

    app.register_blueprint(campaigns)
    purposes = {"label": "shipping", "page": "shipping", "export": "shipping", "campaigns.*": "campaigns"}
    install(app, privacy, db=db, purpose_for=by_endpoint(purposes))
    with app.app_context(), privacy.access(maintenance=True, actor="staff:1", role="engineer", reason="test"):
        db.create_all()
        db.session.add(Customer(id=1, name="Name", address="1 Street", birthday=world.BIRTHDAY))
        db.session.add(Letter(customer=1, address="1 Road"))
        db.session.commit()
    yield app
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def test_an_endpoint_has_a_purpose_and_every_bind_is_protected(client: FlaskClient) -> None:
    assert client.get("/label/1", headers=WAREHOUSE).text == "1 Street 1 Road"
    assert client.get("/decorated/1", headers=WAREHOUSE).text == "1 Street"
    assert client.get("/campaigns/1", headers=MARKETING).text == str(world.BIRTHDAY)
    assert client.get("/label/1", headers=MARKETING).status_code == 403
    assert client.get("/nothing/1", headers=MARKETING).status_code == 404


@pytest.mark.parametrize(
    ("path", "headers", "code"),
    [
        ("/page/1", WAREHOUSE, "SP-201"),
        ("/undeclared/1", WAREHOUSE, "SP-202"),
        ("/campaigns/1", WAREHOUSE, "SP-203"),
        ("/label/1", {}, "SP-202"),
    ],
)
def test_a_denial_is_answered(client: FlaskClient, path: str, headers: dict[str, str], code: str) -> None:
    answer = client.get(path, headers=headers)
    assert (answer.status_code, answer.content_type) == (403, "application/problem+json")
    assert answer.get_json(force=True)["code"] == code


def test_what_is_streamed_with_the_context_has_the_access_of_the_request(client: FlaskClient) -> None:
    assert client.get("/export", headers=WAREHOUSE).text == "1 Street\n"


def test_the_log_knows_the_route(client: FlaskClient, flask_privacy: Privacy) -> None:
    identifier = "0" * 32
    client.get("/label/1", headers={**WAREHOUSE, "x-request-id": identifier})
    assert isinstance(flask_privacy.log, AccessLog)
    found = [event for event in flask_privacy.log.events() if event.request == identifier]
    assert {event.route for event in found} == {"GET /label/<int:number>"}
    assert {event.actor for event in found} == {"staff:17"}


def test_an_answer_may_be_a_page_and_a_handler_of_the_application_comes_first(
    privacy: Privacy, shop: Engine, tmp_path: Path
) -> None:
    app = Flask(__name__)

    @app.get("/<kind>")
    def denied(kind: str) -> str:
        raise {"purpose": PurposeDenied, "none": NoAccess}[kind]("no")

    def page(problem: Problem) -> Any:
        return f"page {problem.code}", problem.status

    install(app, privacy, respond=page)
    app.register_error_handler(PurposeDenied, lambda _error: ("ours", 404))
    client = app.test_client()
    assert client.get("/none").text == "page SP-202"
    assert (client.get("/purpose").text, client.get("/purpose").status_code) == ("ours", 404)


@pytest.mark.parametrize("testing", [False, True])
def test_a_denial_inside_another_error_is_answered_in_production_as_in_tests(
    privacy: Privacy, *, testing: bool
) -> None:
    app = Flask(__name__)
    app.testing = testing

    @app.get("/<kind>")
    def denied(kind: str) -> str:
        raise RuntimeError from (NoAccess("no") if kind == "denied" else KeyError(kind))

    install(app, privacy)
    answer = app.test_client().get("/denied")
    assert (answer.status_code, answer.content_type) == (403, "application/problem+json")
    app.testing = False
    assert app.test_client().get("/other").status_code == 500


def test_what_runs_outside_a_request_has_no_access(app: Flask, flask_privacy: Privacy) -> None:
    with app.app_context(), pytest.raises(AccessDenied):
        _ = db.session.get_one(Customer, 1).address
    with pytest.raises(UnknownPurpose):
        install(Flask(__name__), flask_privacy, purpose_for=by_endpoint({"label": "shiping"}))


def test_maintenance_around_a_test_client_is_not_inherited(client: FlaskClient, flask_privacy: Privacy) -> None:
    with flask_privacy.access(maintenance=True, actor="staff:1", role="engineer", reason="fixture"):
        assert client.get("/undeclared/1").status_code == 403
