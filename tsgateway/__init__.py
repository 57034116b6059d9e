"""The door: everything that exists because a client or an operator connects."""
