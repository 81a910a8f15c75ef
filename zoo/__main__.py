"""The `zoo` command, also as `python -m zoo`; interrupted at any moment, it ends with a sentence."""

import signal
import sys


def run() -> int:
    """Run the command; returns its exit status."""
    sys.unraisablehook = unraisable
    pressed = []

    def interrupt(*_):
        pressed.append(True)
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is to be ignored
        signal.signal(signal.SIGINT, interrupt)
    try:
        from zoo.cli import main

        return main()
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        print('zoo: not installed. In its folder, type: python -m pip install -e ".[samples]"', file=sys.stderr)
        return 1
    except BaseException as error:
        # a module that is interrupted while it is imported may raise something else instead, as NumPy's do
        if not pressed or isinstance(error, SystemExit):
            raise
        print("zoo: interrupted.", file=sys.stderr)
        return 128 + signal.SIGINT
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is said and done: only the interpreter's end is left
        # An interruption in code that runs from a string, as dataclasses are made, leaves a mark by which Python ends
        # itself with the signal although the interruption was dealt with. Running another string removes the mark.
        exec("")


def unraisable(found, usual=sys.unraisablehook) -> None:
    """Deliver an interruption again that came while Python could not raise it, in a finalizer for example."""
    if issubclass(found.exc_type, KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    else:
        usual(found)


if __name__ == "__main__":
    sys.exit(run())
