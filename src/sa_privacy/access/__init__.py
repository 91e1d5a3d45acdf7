"""Who acts, for which purpose, on whose behalf: the access scope.

An :class:`Access` is a frozen statement: "actor X, in roles R, for purposes P". A :class:`Scope` is the time for which
it holds. Scopes nest; one is alive only while its own block and every enclosing one are open, so a task or thread that
outlives the block that started it finds its inherited scope dead, and is refused. One that breaks the glass ends by
itself, too.

One :class:`AccessScopes` belongs to one policy: two policies in one process never see each other's accesses.
"""

from __future__ import annotations

from sa_privacy.access.access import Access, Withheld
from sa_privacy.access.block import AccessBlock
from sa_privacy.access.declared import Declared, Names
from sa_privacy.access.scope import Scope, ended
from sa_privacy.access.scopes import AccessScopes
from sa_privacy.access.words import as_text

__all__ = ["Access", "AccessBlock", "AccessScopes", "Declared", "Names", "Scope", "Withheld", "as_text", "ended"]
