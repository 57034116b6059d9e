"""What is spoken through the doors."""
