"""Reflecting a table reads no rows."""

from sqlalchemy import inspect

from tests.attack_cases.case import Case


def work(case: Case) -> object:
    found = inspect(case.engine)
    return found.has_table("customers"), sorted(column["name"] for column in found.get_columns("notes"))


expect = (True, ["body", "id"])
