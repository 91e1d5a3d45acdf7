"""Names and strings as PostgreSQL reads them."""

from __future__ import annotations

__all__ = ["identifier", "literal"]


def identifier(*parts: str) -> str:
    """A quoted name."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def literal(text: str) -> str:
    """A quoted string."""
    return "'" + text.replace("'", "''") + "'"
