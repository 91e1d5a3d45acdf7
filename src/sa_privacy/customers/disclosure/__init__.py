"""Giving data away: the one door out, and the records of what went through it.

``terms`` and ``evidence`` judge, ``gathering`` reads, ``document`` writes what the recipient gets, ``record`` what is kept, and
``until_committed`` holds it back until both are sure. ``disclosures`` joins them: ``privacy.disclose``. ``provisions`` asks the
records, ``receipts`` keeps those of data received.
"""
