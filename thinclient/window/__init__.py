"""The window of the native client. It needs PySide6: nothing outside imports it before it has to."""
