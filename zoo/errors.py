"""The errors that the zoo raises on purpose."""


class ZooError(ValueError):
    """Something the caller can mend: says what was given, what is accepted, and what to type next.

    The command line prints it as one message and ends with status 1; it is never a traceback there.
    """


class UsageError(ZooError):
    """A name or a value that the call does not accept, whatever the data are; status 2 on the command line."""
