"""Exceptions that are not plain ValueError or TypeError."""


class DownloadError(OSError):
    """A public net could not be downloaded; the message has its address and what happened."""


class PictureWarning(UserWarning):
    """What of a picture is not in the drawing that was read from it: texts, hidden things, …"""
