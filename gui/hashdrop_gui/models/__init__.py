"""Qt's view of what the core tells: pure lists, and thin adapters over them."""
