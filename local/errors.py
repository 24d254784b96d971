"""The error that the local stack reports to the developer."""


class StackError(Exception):
    """The local stack can't start or go on. The message is one sentence that can be shown as is."""
