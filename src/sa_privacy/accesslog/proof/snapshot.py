"""Which segments there are and how long each is, as of one moment, of a log that others write, compress and clear."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from sa_privacy.accesslog.journal.reading import COMPRESSED, segment_names
from sa_privacy.accesslog.proof.chain import writer_of

__all__ = ["Standing", "take_snapshot"]


class Standing(NamedTuple):
    """A segment as it stood.

    :ivar name: of its file, with ``.gz`` where it was compressed.
    :ivar size: of its file in bytes; None: it got its other name, or was removed, since it was listed.
    """

    name: str
    size: int | None

    @property
    def segment(self) -> str:
        """The segment's name, without ``.gz``."""
        return self.name.removesuffix(COMPRESSED)

    @property
    def upto(self) -> int | None:
        """The bytes of the segment that belong to the snapshot; None: all, nobody writes to it any more."""
        return None if self.name.endswith(COMPRESSED) else self.size


def take_snapshot(root: Path) -> list[Standing]:
    """All segments, in order; whichever way they are read, and however long that takes, they follow from each other.

    Nothing that was there before is left out, and no segment without the one before it, but for those that are removed
    meanwhile. Reading a directory is no single step: a segment that is begun meanwhile may be seen, and the one before it not. So it
    is read once more, for what is older than the newest of each writer. The newest is measured first: if it had a line then,
    the one before it was closed, and is measured closed.

    :raises LogUnavailable: the directory cannot be listed.
    """
    seen = segment_names(root)
    newest = {writer_of(name.removesuffix(COMPRESSED)): name.removesuffix(COMPRESSED) for name in seen}
    names = {name.removesuffix(COMPRESSED): name for name in seen}
    for name in segment_names(root):
        plain = name.removesuffix(COMPRESSED)
        if plain <= newest.get(writer_of(plain), ""):
            names.setdefault(plain, name)
    return [Standing(names[plain], _size(root / names[plain])) for plain in sorted(names, reverse=True)][::-1]


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
