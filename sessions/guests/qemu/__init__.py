"""Guests that run in QEMU."""
