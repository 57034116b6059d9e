"""The desktop: everything that makes sense with nobody connected. Runs as the session host process."""
