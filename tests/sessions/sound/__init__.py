"""Tests of sessions/sound."""
