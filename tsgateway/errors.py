"""The errors that end the program with a sentence.

StartError    the gateway cannot start; the text says why and what to do
"""


class StartError(Exception):
    """The gateway cannot start. The text is for the operator: what is wrong, and what to do about it."""
