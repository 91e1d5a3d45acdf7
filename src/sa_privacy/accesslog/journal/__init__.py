"""The journal: the segment files that a process appends to, and how they are read back.

``log.py`` is the log of a process, ``segment.py`` the bytes of one file, ``handover.py`` how one file follows another.
``syncing.py`` and ``interval.py`` bring lines to the disk; ``directory.py`` and ``disk.py`` are what the system has to do
for that. ``reading.py`` reads lines and events back, ``metrics.py`` is the journal in figures.
"""
