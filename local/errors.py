"""What goes wrong on a desk, told in one sentence."""


class StackError(Exception):
    """The local stack can't go on. The text is a whole sentence for the person who started it."""
