"""`python -m zoo` is the `zoo` command; interrupted at any moment, it ends with a sentence."""

import signal
import sys


def run() -> int:
    """Run the command; returns its exit status."""
    sys.unraisablehook = unraisable
    try:
        from zoo.cli import main

        return main()
    except KeyboardInterrupt:  # while the command's own modules were imported
        print("zoo: interrupted.", file=sys.stderr)
        return 128 + signal.SIGINT
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is said and done: only the interpreter's end is left


def unraisable(found, usual=sys.unraisablehook) -> None:
    """Deliver an interruption again that came while Python could not raise it, in a finalizer for example."""
    if issubclass(found.exc_type, KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    else:
        usual(found)


if __name__ == "__main__":
    sys.exit(run())
