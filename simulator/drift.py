"""A planted change of the law: from one day on, customers leave or act differently."""

from msgspec import Struct


class Drift(Struct, frozen=True, kw_only=True):
    """The change from a day on, for all customers; the oracle knows it as it knows the law.

    >>> drift = Drift(from_day=30, hazard=0.7, activity=0.5)
    >>> drift.hazard_on(29), drift.hazard_on(30), drift.activity_on(29), drift.activity_on(30)
    (0.0, 0.7, 1.0, 0.5)
    """

    from_day: int
    """The first day under the new law, counted from the world's first."""
    hazard: float = 0.0
    """Added to eta of ``simulator/hazard.py``: 0.7 doubles the hazard."""
    activity: float = 1.0
    """Factor (>= 0) of the rates of all habits."""

    def hazard_on(self, day: int) -> float:
        """Addition to eta on ``day``."""
        return self.hazard if day >= self.from_day else 0.0

    def activity_on(self, day: int) -> float:
        """The factor of all habits' rates on ``day``."""
        return self.activity if day >= self.from_day else 1.0


NO_DRIFT = Drift(from_day=0)
"""The law does not change."""
