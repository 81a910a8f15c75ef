"""The one error that the zoo raises on purpose."""


class ZooError(ValueError):
    """Something the caller can mend: says what was given, what is accepted, and what to type next.

    The command line prints it as one message and ends with status 1; it is never a traceback there.
    """
