"""Parts of the window that know nothing of the program."""
