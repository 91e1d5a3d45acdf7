"""A column alias list gives the columns other names."""

from tests.attack_cases.case import Case

path = "column alias lists"
ends = "refused"


def attack(case: Case) -> object:
    names = ", ".join(f"c{index}" for index in range(13))
    return [
        case.rows(f"WITH x({names}) AS (SELECT * FROM customers) SELECT {column} FROM x")
        for column in ("c7", "c3", "c12")
    ]
