"""``workbench`` and ``python -m workbench`` to the command line, which Ctrl-C ends quietly even while it is loaded."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; whoever changes their mind in its first half second sees no traceback of imports."""
    try:
        from workbench.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted.\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
