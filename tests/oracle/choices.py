"""Choices that are written down, so that what was made of them can be made again, and made smaller.

Everything that is drawn comes from :meth:`Choices.below`, and 0 is always the plainest choice. A drawing is then a list
of numbers: fewer and smaller numbers draw something simpler, and that is all that :func:`smaller` needs to know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from itertools import islice
from random import Random
from typing import ParamSpec, TypeVar

__all__ = ["Choices", "part", "smaller"]

P = ParamSpec("P")
T = TypeVar("T")


class Choices:
    """Draws from a seeded generator, or again from the numbers of an earlier drawing.

    :param source: the seed's generator, or the numbers; where they run out, 0 is drawn.
    :ivar made: the numbers drawn so far.
    :ivar parts: where in them the parts begin and end that :func:`part` marks.
    """

    def __init__(self, source: Random | Sequence[int]) -> None:
        self._source = source
        self.made: list[int] = []
        self.parts: list[tuple[int, int]] = []

    @property
    def numbers(self) -> list[int]:
        """The numbers drawn, without the zeros at their end: they draw themselves."""
        length = len(self.made)
        while length and not self.made[length - 1]:
            length -= 1
        return self.made[:length]

    def below(self, limit: int) -> int:
        """A number from 0 to `limit` - 1."""
        if isinstance(self._source, Random):
            number = self._source.randrange(limit)
        else:
            at = len(self.made)
            number = min(self._source[at], limit - 1) if at < len(self._source) else 0
        self.made.append(number)
        return number

    def chance(self, percent: int) -> bool:
        """True in so many of a hundred drawings; False is the plainer answer."""
        return self.below(100) >= 100 - percent

    def one(self, options: Sequence[T]) -> T:
        """One of the options, the plainest first."""
        return options[self.below(len(options))]

    def some(self, options: Sequence[T], count: int) -> list[T]:
        """So many of the options, each once."""
        left = list(options)
        return [left.pop(self.below(len(left))) for _ in range(min(count, len(left)))]


def part(draw: Callable[P, T]) -> Callable[P, T]:
    """Marks a method of something with ``choices``: what it draws is a part that may be left out or replaced."""

    @wraps(draw)
    def marked(*args: P.args, **options: P.kwargs) -> T:
        choices: Choices = args[0].choices  # type: ignore[attr-defined]
        start = len(choices.made)
        try:
            return draw(*args, **options)
        finally:
            choices.parts.append((start, len(choices.made)))

    return marked


def smaller(choices: Choices, again: Callable[[Sequence[int]], Choices | None], *, tries: int = 1500) -> Choices:
    """The smallest drawing that could be found which still does what `choices` does.

    :param again: draws from the numbers; None where it no longer does it.
    """
    best, improved = choices, True
    while improved and tries > 0:
        improved = False
        for way in (_without_parts, _without_blocks, _lower):
            at = 0
            while tries > 0:
                candidate = next(islice(way(best), at, None), None)
                if candidate is None:
                    break
                tries -= 1
                found = again(candidate)
                if found is not None and _size(found) < _size(best):
                    best, improved = found, True
                else:
                    at += 1
    return best


def _size(choices: Choices) -> tuple[int, int]:
    numbers = choices.numbers
    return len(numbers), sum(numbers)


def _without_parts(choices: Choices) -> Iterator[list[int]]:
    """A part, the longest first, is left out, with the choice for it taken back; or one inside takes its place."""
    numbers = choices.made
    for start, end in sorted(choices.parts, key=lambda one: one[0] - one[1]):
        yield [*numbers[: max(start - 1, 0)], 0, *numbers[end:]]
        yield numbers[:start] + numbers[end:]
        inner = [one for one in choices.parts if start <= one[0] and one[1] <= end and one[1] - one[0] < end - start]
        for first, last in sorted(inner, key=lambda one: one[0] - one[1])[:3]:
            yield numbers[:start] + numbers[first:last] + numbers[end:]


def _without_blocks(choices: Choices) -> Iterator[list[int]]:
    numbers = choices.numbers
    for size in (16, 8, 4, 2, 1):
        for start in range(0, len(numbers), size):
            yield numbers[:start] + numbers[start + size :]
            yield numbers[:start] + [0] * size + numbers[start + size :]


def _lower(choices: Choices) -> Iterator[list[int]]:
    numbers = choices.numbers
    for at, number in enumerate(numbers):
        for less in (number // 2, number - 1):
            if 0 < less < number:
                yield [*numbers[:at], less, *numbers[at + 1 :]]
