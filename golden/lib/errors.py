"""What a user can cause and mend."""


class UserError(RuntimeError):
    """Something outside the program is wrong; the message is one line that says what, and what to do."""


class Interrupted(UserError):
    """Ctrl-C ended long work in order; the message says how it goes on."""
