"""Everything that SQLAlchemy can be made to log, switched on after the gate was put up."""

import logging

from sqlalchemy import select, text

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer

path = "echo and logs"
ends = "left out"
purposes = (None,)
hollow = "logs are scrubbed also where nothing is refused"


class Keeping(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def attack(case: Case) -> object:
    handler, logger, before = Keeping(), logging.getLogger("sqlalchemy"), case.engine.echo
    logger.addHandler(handler)
    try:
        for switch in ("echo", "level"):
            if switch == "echo":
                case.engine.echo = "debug"
            else:
                case.engine.echo = before
                logger.setLevel(logging.DEBUG)
            with case.access("everything"):
                assert case.session.scalars(select(Customer)).all()
                email = case.canaries("customers.email")[0]
                case.session.execute(text("SELECT count(*) FROM customers WHERE email = :email"), {"email": email})
                case.session.execute(text(f"SELECT count(*) FROM customers WHERE email = '{email}'"))
            case.close()
    finally:
        case.engine.echo = before
        logger.setLevel(logging.NOTSET)
        logger.removeHandler(handler)
    assert any("Row" in line for line in handler.lines)
    return handler.lines
