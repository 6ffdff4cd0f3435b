"""Exceptions that are not plain ValueError or TypeError."""


class DownloadError(OSError):
    """A public net could not be downloaded; the message has its address and what happened."""
