"""What became of all the statements of a run, and whether that will do."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.oracle.bench import Finding, Outcome

__all__ = ["Tally"]


@dataclass
class Tally:
    """Counts findings, and keeps those that somebody has to look at: the shortest of each kind.

    :param name: the database.
    """

    name: str
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    shortest: dict[str, Finding] = field(default_factory=dict)
    bad: list[Finding] = field(default_factory=list)

    def add(self, finding: Finding) -> None:
        self.outcomes[finding.outcome] += 1
        if finding.outcome in {"leak", "differs"}:
            self.bad.append(finding)
        if finding.outcome == "wrong":
            self.kinds[finding.why] += 1
            before = self.shortest.get(finding.why)
            if before is None or len(finding.sql) < len(before.sql):
                self.shortest[finding.why] = finding

    @property
    def drawn(self) -> int:
        return self.outcomes.total()

    @property
    def valid(self) -> int:
        return self.drawn - self.outcomes["invalid"]

    def share(self, *outcomes: Outcome) -> float:
        """The share of the statements that the database takes."""
        return sum(self.outcomes[outcome] for outcome in outcomes) / max(self.valid, 1)

    def faults(self, *, few: int = 0) -> list[str]:
        """What will not do.

        :param few: wrong refusals that a small run is forgiven, beside its 2 %.
        """
        found = [f"{len(self.bad)} leaks or differences"] if self.bad else []
        if self.outcomes["wrong"] > 0.02 * self.valid + few:
            found.append(f"{self.share('wrong'):.1%} are refused and need not be")
        if min(self.share("allowed"), self.share("refused")) < 0.2:
            found.append("fewer than 20% lie on one side of the line")
        if self.valid < 0.8 * self.drawn:
            found.append(f"the database takes no more than {self.valid} of {self.drawn} statements")
        return found

    def lines(self) -> list[str]:
        """The run in words."""
        apart = (
            f"{self.share('view'):.2%} unused columns of views, {self.share('untold'):.2%} the database is not asked"
        )
        said = (
            f"{self.name}: {self.drawn} statements, {self.valid} of them taken; {self.share('allowed'):.1%} allowed, "
            f"{self.share('refused'):.1%} refused, {self.share('wrong'):.2%} refused and not by the database ({apart}); "
            f"{len(self.bad)} leaks or differences"
        )
        return [said, *(f"  {count} x {kind}" for kind, count in self.kinds.most_common())]
