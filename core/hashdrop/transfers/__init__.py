"""Transfers: one queue of files on their way to S3."""
