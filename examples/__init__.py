"""Whole applications that use the library. A package, so that `examples` is this folder and no installed one."""
