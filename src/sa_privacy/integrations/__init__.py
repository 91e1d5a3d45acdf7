"""Thin faces towards other libraries. None is imported until an application imports it."""
