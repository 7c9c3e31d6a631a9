"""The window of Hashdrop: Qt on a qasync loop. It holds no rule about S3."""
