"""The `zoo` command, also as `python -m zoo`; interrupted or told to end at any moment, it ends with a sentence."""

import _thread
import os
import signal
import sys
import threading
import time

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def run() -> int:
    """Run the command; returns its exit status, 128 and the number of the signal where one has ended it."""
    open_standard_streams()
    sys.unraisablehook = unraisable
    received: list[tuple[int, float]] = []  # signals, and when each came

    def interrupt(number, _):
        now = time.monotonic()
        if number != signal.SIGINT and any(before == number and now - at < 2 for before, at in received):
            return  # `timeout` signals a process and then its group, while the first is being obeyed
        received.append((number, now))
        end_conversions(wait=0)
        raise KeyboardInterrupt

    for number in SIGNALS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):  # else it is to be ignored
            signal.signal(number, interrupt)
    try:
        from zoo.cli import main

        status = main()
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        print('zoo: not installed. In its folder, type: python -m pip install -e ".[samples]"', file=sys.stderr)
        return 1
    except BaseException as error:
        # a module that is interrupted while it is imported may raise something else instead, as NumPy's do
        if not received or isinstance(error, SystemExit):
            raise
        print("zoo: interrupted.", file=sys.stderr)
        status = 1
    finally:
        for number in SIGNALS:  # all is said and done: only the interpreter's end is left
            signal.signal(number, signal.SIG_IGN if number == signal.SIGINT else signal.SIG_DFL)
        # An interruption in code that runs from a string, as dataclasses are made, leaves a mark by which Python ends
        # itself with the signal although the interruption was dealt with. Running another string removes the mark.
        exec("")
    if received:
        end_conversions(wait=10)
    return 128 + received[0][0] if received and status else status


def open_standard_streams() -> None:
    """Open those that the caller has closed, or else a file of ours would get the number of one, and be written to.

    Output that was closed cannot be written, and who writes to it is told so.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nothing = os.open(os.devnull, os.O_RDWR if name == "stderr" else os.O_RDONLY)
            os.dup2(nothing, number)
            setattr(sys, name, os.fdopen(number, "r" if name == "stdin" else "w"))


def end_conversions(wait: float) -> None:
    """Tell the processes that convert networks to end, and wait so many seconds for them to clean up."""
    if conversion := sys.modules.get("zoo.inference.conversion"):
        conversion.end_running(wait)


def unraisable(found, usual=sys.unraisablehook) -> None:
    """Deliver an interruption again that came while Python could not raise it, in a finalizer for example.

    A moment later: what this function itself raises would be lost, too.
    """
    if issubclass(found.exc_type, KeyboardInterrupt):
        again = threading.Timer(0.05, _thread.interrupt_main)
        again.daemon = True
        again.start()
    else:
        usual(found)


if __name__ == "__main__":
    sys.exit(run())
