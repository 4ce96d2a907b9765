"""The predictions of those who know more: the observer's and the oracle's, for a telecom's rows."""

from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from bench.quality.models import OBSERVER, ORACLE
from bench.quality.rows import Flags, Floats, Rows
from touchstream.schemas.units import DAY_MS
from touchstream.simulator import Outlook
from touchstream.simulator.telecom import Telecom
from touchstream.streams.emit.identity import pseudonym

HORIZON_DAYS = 28
SEED = 0
"""Of the default rules, from which pseudonyms derive."""


def true_predictions(telecom: Telecom, rows: Rows, asked: Flags) -> Mapping[str, Floats]:
    """P(label 1) of the rows ``asked``, the others NaN; ``telecom`` is at its beginning.

    The observer sees the touchpoints before each row, the oracle the hidden state as well. A
    prepaid customer who has left is certain to be silent; one whose term is left to end is
    labelled 0 for as long as it runs.
    """
    names = {pseudonym(name, SEED): name for name in telecom.names}
    who = [names[pseudonymous] for pseudonymous in rows.customers]
    by_day: defaultdict[int, list[int]] = defaultdict(list)
    for place in np.flatnonzero(asked).tolist():
        by_day[int(rows.at_ms[place]) // DAY_MS * DAY_MS].append(place)
    running = rows.vector[:, rows.names.index("subscription_running")] == 1
    found = {name: np.full(len(rows), np.nan) for name in (OBSERVER, ORACLE)}
    observer = telecom.observer()
    for day in telecom.days():
        observer.see([line.event for line in day.lines if isinstance(line.event, dict)])
        places = by_day.get(telecom.now_ms, [])
        customers = [who[int(rows.customer[place])] for place in places]
        seen = observer.foresee(customers, HORIZON_DAYS)
        true = telecom.outlooks(telecom.now_ms, HORIZON_DAYS, customers)
        for place, customer in zip(places, customers, strict=True):
            gone = Outlook(1.0, 0.0 if running[place] else 1.0)
            found[OBSERVER][place] = seen[customer].labelled
            found[ORACLE][place] = true.get(customer, gone).labelled
    return found
