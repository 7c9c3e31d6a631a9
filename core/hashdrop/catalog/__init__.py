"""The catalog of what is stored: labox's tables and our table of names. The only user of SQLAlchemy."""
