"""A customer asks what is kept about them, and is shown their file once it is sure that it is they."""

from __future__ import annotations

from rich.text import Text
from sqlalchemy.orm import Session

from examples.shop_app.demo.refusals import body
from examples.shop_app.demo.stage import Stage
from sa_privacy import Privacy, PrivacyError
from sa_privacy.customers.file.files import PersonFile
from sa_privacy.customers.requests.view import Request

__all__ = ["show_asking"]


def a_letter_comes(privacy: Privacy, session: Session) -> Request:
    with privacy.access(purpose="inquiries", actor="staff:58", role="support"):
        signed = "Rhonda Bailey, as the letter of 20 November is signed"
        request = privacy.requests.receive(session, "disclosure", claimed=signed, language="en")
        session.commit()
    return request


def answered_too_soon(privacy: Privacy, session: Session, reference: str) -> None:
    with privacy.access(actor="staff:2", role="privacy_officer"):
        privacy.requests.answer(session, reference)


def checked_and_answered(privacy: Privacy, session: Session, reference: str) -> PersonFile | None:
    with privacy.access(actor="staff:2", role="privacy_officer"):
        privacy.requests.identify(
            session,
            reference,
            ("customer", 2),
            method="identity_card",
            evidence="card seen at the counter",
        )
        privacy.requests.begin(session, reference)
        answer = privacy.requests.answer(session, reference)
        session.commit()
    return answer.file


def show_asking(stage: Stage) -> None:
    stage.chapter(
        "A customer asks for their file",
        """A request is received by whoever opens the letter; nothing is shown, or even confirmed to exist, before somebody has made
        sure that it is that person.""",
    )
    stage.code(body(a_letter_comes))
    with Session(stage.engine) as session:
        request = a_letter_comes(stage.privacy, session)
        reference = request.reference
        stage.indented(Text(f"-> received; the policy promises an answer until {request.due_on}", style="green"))
        stage.say("Answering at once is refused:")
        stage.code(body(answered_too_soon))
        try:
            answered_too_soon(stage.privacy, session, reference)
        except PrivacyError as error:
            stage.error(error)
        else:
            raise AssertionError("answered before anybody knew who asks")
        session.rollback()
        stage.say("Somebody looks at an identity card at the counter. Then the letter is answered:")
        stage.code(body(checked_and_answered))
        file = checked_and_answered(stage.privacy, session, reference)
    if file is None:
        raise AssertionError("there is a file")
    path = stage.directory / "file-of-customer-2.html"
    path.write_text(file.html(), encoding="utf-8")
    content = file.content
    table = stage.table("what the file tells", "how much")
    for one in content["data"]:
        table.add_row(f"rows of {one['table']}", str(len(one["rows"])))
    table.add_row("what they said of consent", str(len(content["consents"] or ())))
    table.add_row("whom data was given to", ", ".join(one["to"] for one in content["provisions"] or ()))
    table.add_row("uses of the data, by day, purpose and role", str(len((content["uses"] or {}).get("counts", ()))))
    stage.console.print(table)
    stage.say("What the police got is not told: that could defeat the inquiry. From the page:")
    [row] = next(one["rows"] for one in content["data"] if one["table"] == "customers")
    told = [str(one["value"]) for one in row["values"] if one["category"] in ("name", "email") and one["value"]]
    stage.indented(Text(", ".join(told), style="dim"))
    stage.indented(Text(f"-> {path.name}: a page of {path.stat().st_size:,} bytes, beside shop.db", style="green"))
