"""Geometry, damage, the framebuffer. Pure."""
