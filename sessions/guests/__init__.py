"""What a session can show: one file or folder a kind."""
