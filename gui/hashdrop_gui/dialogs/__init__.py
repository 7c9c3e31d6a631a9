"""Dialogs; opened with `open()`, never with a nested loop."""
