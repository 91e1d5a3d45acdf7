"""Makes an attack case of a finding: the smallest drawing that still shows it, as a file of `tests/attack_cases`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.oracle.bench import Bench, Finding
from tests.oracle.choices import Choices, smaller
from tests.oracle.world import VIEWS

__all__ = ["CASES", "shrunk", "write_case"]

CASES: Final = Path(__file__).parents[1] / "attack_cases"
_HEAD: Final = '''"""{sentence}"""
{imports}
from tests.oracle import world  # noqa: F401 - where it happens

backends = ("{backend}",)
purposes = ({purpose},)
{prepare}{name} = {sql!r}
'''
_DENIED: Final = """path = "subqueries, CASE, LATERAL, CTE"
ends = "refused"
refused = True
hollow = "it was drawn: its tables are empty"
"""
_ALLOWED: Final = """expect = "passed"


def work(case: Case) -> str:
    with suppress(DBAPIError):  # the tables are empty: that the gate lets it through is all
        case.rows(SQL)
    return "passed"
"""
_IMPORTS: Final = """
from contextlib import suppress

from sqlalchemy.exc import DBAPIError

from tests.attack_cases.case import Case"""


def shrunk(bench: Bench, finding: Finding, *, tries: int = 1500) -> Finding:
    """The smallest drawing, of so many tried, with the same outcome of the same kind."""

    def again(numbers: Sequence[int]) -> Choices | None:
        now = bench.examine(numbers)
        if now.outcome != finding.outcome or (now.why != finding.why and finding.outcome != "differs"):
            return None
        return now.choices

    return bench.examine(smaller(finding.choices, again, tries=tries).numbers)


def write_case(finding: Finding, backend: str, folder: Path = CASES) -> Path:
    """Writes a leak into `denied/`, a wrong refusal into `allowed/`.

    :returns: the file.
    """
    leak = finding.outcome == "leak"
    sql = " ".join(finding.sql.split())
    says = f"{backend} asks for more than the footprint" if leak else f"The footprint: {finding.why.rstrip('.')}"
    parts = "".join(f'"{part}", ' for part in sorted(finding.opened.parts)).rstrip(" ")
    text = _HEAD.format(
        sentence=f"Drawn. {says}.",
        imports="" if leak else _IMPORTS,
        backend=backend,
        purpose=f"({parts})" if parts else "None",
        prepare="prepare = world.CREATE_VIEWS\n" if any(view in sql for view in VIEWS) else "",
        name="sql" if leak else "SQL",
        sql=sql,
    )
    file = folder / ("denied" if leak else "allowed") / f"drawn_{hashlib.sha256(sql.encode()).hexdigest()[:8]}.py"
    file.write_text(text + (_DENIED if leak else _ALLOWED), encoding="utf-8")
    return file
