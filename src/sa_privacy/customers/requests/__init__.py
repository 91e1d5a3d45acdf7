"""Requests of people: disclosure, correction, ceasing use or provision, erasure.

``states`` is the course of a request as a table, ``articles`` why one may be refused, ``book`` writes steps. ``receiving`` takes
requests in, ``identity`` makes sure who asks, ``correction`` and ``ceasing`` do what was asked, ``answering`` answers.
``requests`` joins them: ``privacy.requests``.
"""
