"""Signing in: passwords, throttling, tokens, tickets."""
