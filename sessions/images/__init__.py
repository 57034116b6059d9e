"""The image store: what guests are cloned from."""
