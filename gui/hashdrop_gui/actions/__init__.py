"""What the window does at its own, from page to service: holding, finishing, taking files in."""
