"""What is done with what is stored: find, link, verify, download, delete, tag, list, rebuild."""
