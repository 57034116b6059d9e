"""Encoders of videos, one file a family of codecs; each is a plug-in of the kind "video"."""

from __future__ import annotations
