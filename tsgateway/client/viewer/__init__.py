"""Sees and uses a desktop, without a window."""
