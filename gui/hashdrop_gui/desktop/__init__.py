"""What the desktop around the window gives: its tray, its clipboard, its folders, other starts."""
