"""Logs of decisions and policies from files, for ``touchstream policy evaluate``."""
