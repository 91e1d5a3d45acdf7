"""Keys are renewed while everything runs: each step is a file that all processes take up before the next."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event
from typing import Final

from benchmarks.soak.crew import Crew
from sa_privacy import Keyring
from sa_privacy.errors import KeyUnavailable

__all__ = ["Rotation"]

_LOOK: Final = 0.1
_BETWEEN: Final = 2
_USERS: Final = ("threads", "tasks", "mortal", "office")


class Rotation:
    """Renews the sealing key and the lookup key, again and again.

    :ivar steps: steps that all have taken.
    :ivar waited: times that the key service was away when the ring was to be saved.
    :ivar resealed: times that all was sealed anew.
    """

    def __init__(self, crew: Crew, stop: Event) -> None:
        self._crew, self._stop = crew, stop
        self._keys: Keyring = crew.place.load_keys()
        self.steps = self.waited = self.resealed = 0

    def run(self) -> None:
        """Until it is told to stop."""
        while not self._stop.wait(_BETWEEN):
            self._once(self._keys)

    def _once(self, keys: Keyring) -> None:
        old = next(key for key in keys.keys if key.search)
        done = (
            self._step(keys.add_key)
            and self._step(lambda: keys.promote(keys.ids[-1]))
            and self._reseal()
            and self._step(keys.rotate_lookup)
            and self._reseal()
            and self._step(keys.switch_lookup)
            and self._step(keys.end_lookup)
        )
        if done and not old.first:  # nothing was ever sealed under a key that came for lookups
            self._step(lambda: keys.retire(old.id))

    def _step(self, change: Callable[[], object]) -> bool:
        """Changes the ring, saves it, and waits until everybody has it; False where it is time to stop."""
        if self._stop.is_set():
            return False
        change()
        while True:
            try:
                self._keys.save(self._crew.place.keys)
                break
            except KeyUnavailable:
                self.waited += 1
                if self._stop.wait(_LOOK):
                    return False
        version = self._crew.place.keys.stat().st_mtime_ns
        while any(member.version != version for member in self._crew.living(*_USERS)):
            if self._stop.wait(_LOOK):
                return False
        self.steps += 1
        return True

    def _reseal(self) -> bool:
        """A process seals all anew; where it was killed or cut off, another goes on."""
        while not self._stop.is_set():
            worker = self._crew.start("reseal", "reseal")
            while worker.alive:
                if self._stop.wait(_LOOK):
                    return False
            if worker.join() == 0:
                self.resealed += 1
                return True
            time.sleep(_LOOK)
        return False
