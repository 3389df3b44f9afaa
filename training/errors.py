"""What a user can cause or meet; every message is one line."""


class TrainingError(ValueError):
    """A run cannot start or go on; the message says what, why, and what to do."""
