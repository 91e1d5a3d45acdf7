"""Text that can be written down."""

from __future__ import annotations

__all__ = ["as_text"]


def as_text(said: object) -> str:
    """What was said as text that can be written down: half a surrogate pair stands escaped, and is not lost."""
    if type(said) is str and said.isascii():
        return said
    return str(said).encode("utf-8", "backslashreplace").decode()
