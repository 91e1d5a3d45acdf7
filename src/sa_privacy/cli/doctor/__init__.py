"""``sa-privacy doctor``: on one screen, what is installed, protected, sealable and at risk; or all that is known of a column.

Each question has a file that collects its answer as a :class:`~sa_privacy.cli.doctor.section.Section`; ``screen.py`` tells it.
"""

from sa_privacy.cli.doctor.command import doctor

__all__ = ["doctor"]
