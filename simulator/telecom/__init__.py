"""Two telecoms with a known truth: why each customer leaves, when, and how probable it is each day.

``Telecom(seed, CALM)`` has 4,000 customers over 500 days whose true 28-day risk never passes .35,
``Telecom(seed, HOT)`` 900 over 246 days with a risk of up to .85. Every segment has one planted
cause (``operator.py``), whose effect grows over days and weeks before they leave (``law.py``).

``for day in telecom.days(): day.lines`` advances it a day at a time. ``telecom.truths(at_ms, 28)``
tells risk and active cause of every customer on a day, ``telecom.fates()`` who left when, how and
why, and ``telecom.observer()`` is the best possible predictor that sees only touchpoints. From the
command line: ``python -m touchstream.simulator.telecom calm --out FOLDER``.
"""

from touchstream.simulator.telecom.operator import CALM, HOT, OPERATORS, Operator
from touchstream.simulator.telecom.telecom import Fate, Telecom, Truth

__all__ = ["CALM", "HOT", "OPERATORS", "Fate", "Operator", "Telecom", "Truth"]
