"""Exceptions that are not plain ValueError or TypeError."""


class DeviceError(RuntimeError):
    """A device was asked for that this build or this machine does not have."""


class DownloadError(OSError):
    """A public net could not be downloaded; the message has its address and what happened."""
