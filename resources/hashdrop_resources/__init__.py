"""Icons and drawings of Hashdrop; read by `importlib.resources`."""
