"""Giving data away: a delivery company, an advertiser, the police."""

from __future__ import annotations

from collections.abc import Callable

from rich.text import Text
from sqlalchemy.orm import Session

from examples.shop_app.demo.refusals import body
from examples.shop_app.demo.stage import Stage
from sa_privacy import Privacy, PrivacyError
from sa_privacy.customers.disclosure.disclosures import Disclosure

__all__ = ["show_giving"]


def parcels_for_the_delivery_company(privacy: Privacy, session: Session) -> Disclosure:
    with privacy.access(purpose="shipping", actor="staff:17", role="warehouse"):
        given = privacy.disclose(
            session,
            to="delivery_company",
            subjects=[1, 2],
            categories=["name", "address", "phone"],
            format="csv",
        )
        session.commit()  # what is on record may leave; before that, .data raises
    return given


def birthdays_for_the_delivery_company(privacy: Privacy, session: Session) -> Disclosure:
    with privacy.access(purpose="shipping", actor="staff:17", role="warehouse"):
        what = ["birthday"]
        return privacy.disclose(session, to="delivery_company", subjects=[1, 2], categories=what)


def names_for_the_advertiser_from_the_warehouse(privacy: Privacy, session: Session) -> Disclosure:
    with privacy.access(purpose="shipping", actor="staff:17", role="warehouse"):
        what = ["name"]
        return privacy.disclose(session, to="advertising_partner", subjects=[1, 2], categories=what)


def addresses_for_the_advertiser(privacy: Privacy, session: Session) -> Disclosure:
    with privacy.access(actor="staff:2", role="privacy_officer"):
        what = ["name", "email"]
        given = privacy.disclose(session, to="advertising_partner", subjects=[1, 2], categories=what)
        session.commit()
    return given


def addresses_after_one_of_them_agreed(privacy: Privacy, session: Session) -> Disclosure:
    with privacy.access(purpose="account", actor="customer:1", role="customer", subject=1):
        privacy.consents.give(session, 1, "advertising_partner", how="web", language="ja")
        session.commit()
    return addresses_for_the_advertiser(privacy, session)  # as before


def a_call_from_the_police(privacy: Privacy, session: Session) -> Disclosure:
    with privacy.access(actor="staff:2", role="privacy_officer"):
        return privacy.disclose(
            session,
            to="police_and_courts",
            subjects=2,
            categories=["name", "address"],
            ground="public_agency",
            evidence={"issuing_body": "Sakai police station"},
        )


def a_letter_from_the_police(privacy: Privacy, session: Session) -> Disclosure:
    with privacy.access(actor="staff:2", role="privacy_officer"):
        given = privacy.disclose(
            session,
            to="police_and_courts",
            subjects=2,
            categories=["name", "address"],
            ground="public_agency",
            evidence={
                "document_number": "Sakai 2026-1123",
                "issuing_body": "Sakai police station",
                "approver": "staff:1",
            },
        )
        session.commit()
    return given


SCENES: dict[str, tuple[Callable[[Privacy, Session], Disclosure], str]] = {
    "A delivery company works for the shop under a contract": (parcels_for_the_delivery_company, ""),
    "It gets what the policy lets it have, and no more": (birthdays_for_the_delivery_company, "refused"),
    "The warehouse may give to nobody else: its role says to whom": (
        names_for_the_advertiser_from_the_warehouse,
        "refused",
    ),
    "An advertiser gets nothing of people who have not agreed to that": (addresses_for_the_advertiser, ""),
    "Customer 1 agrees. Customer 2 is left out, and counted": (addresses_after_one_of_them_agreed, ""),
    "The police call": (a_call_from_the_police, "refused"),
    "The police write": (a_letter_from_the_police, ""),
}


def show_giving(stage: Stage) -> None:
    stage.chapter(
        "The one door out",
        """Data leaves through privacy.disclose: to recipients that the policy knows, with the consent of each person or on a ground with
        its evidence, and never without a record.""",
    )
    for title, (scene, ends) in SCENES.items():
        stage.say(Text(title, style="bold"))
        stage.code(body(scene))
        with Session(stage.engine) as session:
            try:
                given = scene(stage.privacy, session)
            except PrivacyError as error:
                stage.error(error)
                if not ends:
                    raise
            else:
                if ends:
                    raise AssertionError(f"not refused: {title}")
                stage.indented(Text(f"-> {given}", style="green"))
                if given.format == "csv":
                    heads, *rows = given.data.decode().splitlines()
                    stage.indented(Text(f"-> {len(rows)} lines under the header {heads}", style="green"))
        stage.console.print()
    _records(stage)


def _records(stage: Stage) -> None:
    stage.say("The records, as APPI Article 29 wants them (privacy.provisions.list):")
    table = stage.table("when", "to", "what", "people", "on the ground of")
    with stage.privacy.access(actor="staff:2", role="privacy_officer"), Session(stage.engine) as session:
        for one in stage.privacy.provisions.list(session):
            without_consent = f"{one.clause}, {one.article}" if one.clause else "consent"
            ground = "contract" if one.is_entrustment else without_consent
            table.add_row(f"{one.at:%Y-%m-%d %H:%M}", one.recipient, ", ".join(one.categories), str(one.people), ground)
    stage.console.print(table)
