"""Warm templates: a guest that has booted, kept as it stands, from which others go on at once.

    key.py         what a template holds for: its name is a hash of all that
    store.py       the folder of the templates
    memory.py      a template's memory, shared with every clone and writable by none
    devices.py     a machine's devices, saved and loaded
    build.py       boots an image and keeps it
    clone.py       wakes a copy and gives it an identity of its own
    templates.py   what a session host has of all this: who may clone, what is built when

docs/instant-start.md tells how it works and what it costs.
"""
