"""The rotation of a lookup key as it is lived through: two processes, a table, a job that may stop anywhere."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sa_privacy.crypto import KEYS_IN_THE_CLEAR, Keyring, keyfile
from sa_privacy.crypto.keyfile import parse
from tests.support.draws import draws

FIELD = "customers.email"
VALUES = st.integers(0, 11).map(lambda number: b"%d@example.org" % number)
PROCESSES = st.sampled_from([0, 1])
STEP = {"steady": Keyring.rotate_lookup, "adding": Keyring.switch_lookup, "switching": Keyring.end_lookup}


def halves(slots: bytes) -> tuple[bytes, bytes]:
    return slots[:20], slots[20:]


class Rotation(RuleBasedStateMachine):
    """Follows the rules of docs/spec/keyring.md, in any order that they allow.

    The table has a unique index over each slot, leaving empty ones out, as the database has.
    """

    @initialize()
    def begin(self) -> None:
        self.file = Keyring.generate()
        self.processes = [self.read(), self.read()]
        self.rows: dict[bytes, bytes] = {}

    def read(self) -> Keyring:
        """The file, as a process reads it."""
        return Keyring(*parse(self.file.export(KEYS_IN_THE_CLEAR), "the file"))

    def found(self, process: int, value: bytes) -> list[bytes]:
        digests = self.processes[process].digests(FIELD)
        wanted = digests.search(value)
        return [row for row, slots in self.rows.items() if halves(slots)[digests.search_slot] == wanted]

    def everybody_is_up_to_date(self) -> bool:
        return all(ring.keys == self.file.keys for ring in self.processes)

    def every_row_has_every_digest(self) -> bool:
        return all(bytes(20) not in halves(slots) for slots in self.rows.values())

    @rule(value=VALUES, process=PROCESSES)
    def insert(self, value: bytes, process: int) -> None:
        made = self.processes[process].digests(FIELD).slots(value)
        refused = any(
            one == other and any(one)
            for slots in self.rows.values()
            for one, other in zip(halves(made), halves(slots), strict=True)
        )
        assert refused is (value in self.rows), "a second row of a value is refused, and no other"
        if not refused:
            self.rows[value] = made

    @rule(value=VALUES)
    def delete(self, value: bytes) -> None:
        self.rows.pop(value, None)

    @precondition(lambda self: self.everybody_is_up_to_date())
    @rule(value=VALUES)
    def reseal(self, value: bytes) -> None:
        """One row: the job may be stopped after any."""
        if value in self.rows:
            self.rows[value] = self.processes[0].digests(FIELD).slots(value)

    @precondition(lambda self: self.everybody_is_up_to_date())
    @rule()
    def reseal_all(self) -> None:
        for value in self.rows:
            self.reseal(value)

    @rule(process=PROCESSES)
    def hand_out(self, process: int) -> None:
        self.processes[process] = self.read()

    @precondition(lambda self: self.everybody_is_up_to_date())
    @precondition(lambda self: self.file.lookup_phase != "adding" or self.every_row_has_every_digest())
    @rule()
    def step(self) -> None:
        STEP[self.file.lookup_phase](self.file)

    @precondition(lambda self: self.everybody_is_up_to_date())
    @rule()
    def rotate_the_seal_key(self) -> None:
        self.file.rotate()

    @precondition(lambda self: self.everybody_is_up_to_date())
    @rule()
    def retire(self) -> None:
        """Whatever no cell and no ring needs. (Cells are sealed under the primary key here.)"""
        for key in self.file.keys:
            named = any(
                half.startswith(key.id.to_bytes(4, "big")) for row in self.rows.values() for half in halves(row)
            )
            if not (key.primary or key.first or key.slot is not None or named):
                self.file.retire(key.id)

    @invariant()
    def every_row_is_found_by_everybody_and_nothing_else_is(self) -> None:
        for process in (0, 1):
            for number in range(12):
                value = b"%d@example.org" % number
                assert self.found(process, value) == ([value] if value in self.rows else [])

    @invariant()
    def the_file_on_disk_may_replace_what_the_processes_have(self) -> None:
        for ring in self.processes:
            text = ring.export(KEYS_IN_THE_CLEAR).encode()
            keyfile.older_self(text, "keys.json", self.file._ring, self.file._retired)


TestRotation = Rotation.TestCase
TestRotation.settings = settings(max_examples=draws(60), stateful_step_count=60, deadline=None)
