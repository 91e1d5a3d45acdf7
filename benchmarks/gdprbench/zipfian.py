"""Zipfian numbers, by the algorithm of Gray et al., "Quickly Generating Billion-Record Synthetic Databases" (SIGMOD 1994)."""

from __future__ import annotations

from random import Random

__all__ = ["Zipfian"]

_PRIME, _BASIS, _MASK = 1099511628211, 14695981039346656037, (1 << 64) - 1  # of FNV-1a, 64 bits


class Zipfian:
    """Draws from ``range(count)``; the i-th most frequent is drawn in proportion to ``1 / i ** theta``.

    :param theta: below 1; YCSB's is 0.99.
    """

    def __init__(self, count: int, random: Random, theta: float = 0.99) -> None:
        self._count, self._random, self._theta = count, random, theta
        self._zeta = sum(1 / i**theta for i in range(1, count + 1))
        self._alpha = 1 / (1 - theta)
        second = 1 + 0.5**theta
        self._eta = (1 - (2 / count) ** (1 - theta)) / (1 - second / self._zeta)
        self._second = second

    def rank(self) -> int:
        """0 for the most frequent."""
        drawn = self._random.random()
        share = drawn * self._zeta
        if share < 1:
            return 0
        if share < self._second:
            return 1
        return int(self._count * (self._eta * drawn - self._eta + 1) ** self._alpha)

    def scrambled(self) -> int:
        """The frequent ones lie all over the range, as in YCSB: the rank's hash (FNV-1a). Two ranks may share a number."""
        value, rank = _BASIS, self.rank()
        for shift in range(0, 64, 8):
            value = ((value ^ (rank >> shift & 0xFF)) * _PRIME) & _MASK
        return value % self._count
