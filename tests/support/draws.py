"""How many examples a property is tried on.

In CI Hypothesis draws the same ones in every run, so that what was tried often is not tried often again: a third is enough
there. `make test` elsewhere draws all of them, others each time, and so does `make thorough` anywhere.
"""

from __future__ import annotations

import os
from typing import Final

from hypothesis import settings

__all__ = ["FEWER", "draws", "load_profile"]

FEWER: Final = "CI" in os.environ and "SA_PRIVACY_ALL_EXAMPLES" not in os.environ
"""Whether this is CI, which is content with fewer."""


def draws(examples: int) -> int:
    """So many examples, or a third of them in CI."""
    return max(examples // 3, 1) if FEWER else examples


def load_profile() -> None:
    """What a property has that does not say it itself."""
    # In CI, Hypothesis has already loaded its own profile, which repeats the same examples. Elsewhere: a busy machine is
    # not a fault of the code.
    settings.register_profile("house", settings(), deadline=None, max_examples=draws(settings().max_examples))
    settings.load_profile("house")
