"""``sa-privacy``, the command. Needs the extra ``cli``; nothing of it is imported before it runs."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Runs the command: exit status 0, 1 where something was found wrong, 2 where it could not be done, 130 at Ctrl-C."""
    try:
        from sa_privacy.cli.app import app  # noqa: PLC0415 - the extra may be missing
    except ModuleNotFoundError as error:
        if error.name not in {"typer", "click", "rich"}:
            raise
        print(f"error: the command needs {error.name}.", file=sys.stderr)
        print('hint: pip install "sa-privacy[cli]"', file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:  # while it starts, which takes a second or so
        raise SystemExit(130) from None
    app(prog_name="sa-privacy")
