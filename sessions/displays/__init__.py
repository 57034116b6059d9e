"""Ways pixels come in and input goes out: one file a protocol."""
