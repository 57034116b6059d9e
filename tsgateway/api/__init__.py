"""The JSON API and the browser client's files."""
