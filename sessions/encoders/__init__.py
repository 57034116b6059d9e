"""Damage to bytes: the planner, the history stream, stills."""
