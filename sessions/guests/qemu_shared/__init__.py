"""One machine for many people: each session is a seat in it, with a desktop of its own."""
