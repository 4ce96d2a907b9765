"""Reads every customer touchpoint as it happens and says who is about to leave, why, what to do.

The parts stand at the top of the repository (``schemas/``, ``streams/``, ``agents/``, ``web/``,
``simulator/``) and are one package, ``touchstream``, wherever they are imported from:
``docs/decisions/0023-one-import-name.md``.
"""
