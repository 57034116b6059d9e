"""Folders that people share with their desktops: names, quota, uploads, and what guests are served."""
