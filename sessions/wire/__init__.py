"""Bytes to messages and back, pure: RFB, QMP, QEMU's D-Bus display, tsg, the session link."""
