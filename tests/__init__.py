"""The tests. A package, so that `tests.support` is this folder and not some installed package of that name."""
