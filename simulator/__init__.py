"""A world of customers whose hazard of leaving is known, to measure touchstream against.

``World(seed, customers, days)`` produces touchpoints as CloudEvents in order of arrival, with
duplicates, late events, wrong clocks and broken lines among them, each counted.
``simulator/hazard.py`` states the law; the oracle (``true_churn_probability``) gives the best
possible prediction.

``for day in world.days(): day.lines`` advances it a day at a time, ``world.treat(customer, action,
at_ms)`` carries out a recommendation, ``world.truth()`` lists who left when. From the command
line: ``python -m touchstream.simulator --customers 1000 --days 90 --seed 0 > events.jsonl``.
"""

from touchstream.simulator.delivery import Day, Expected
from touchstream.simulator.drift import Drift
from touchstream.simulator.noise import SILENCE, Line, Noise
from touchstream.simulator.outlook import Outlook
from touchstream.simulator.saveable import SaveableGroup
from touchstream.simulator.treatments import TREATMENTS, Treatment
from touchstream.simulator.world import START_MS, CustomerTruth, World

__all__ = [
    "SILENCE",
    "START_MS",
    "TREATMENTS",
    "CustomerTruth",
    "Day",
    "Drift",
    "Expected",
    "Line",
    "Noise",
    "Outlook",
    "SaveableGroup",
    "Treatment",
    "World",
]

if __name__ != "touchstream.simulator":  # a second copy of every class, under another name
    raise ImportError("the import name is touchstream.simulator, not simulator")
