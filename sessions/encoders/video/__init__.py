"""Encoders of videos, one file a family of codecs; each is a plug-in of the kind "video"."""

from __future__ import annotations

PREFERENCE = ("h264", "av1", "vp9", "vp8")
"""Names of the plug-ins; the first that the viewer decodes and the machine can is taken.

By what a picture costs this machine first, then by bytes: `python -m bench.video`, docs/pictures.md.
"""
