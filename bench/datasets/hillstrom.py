"""Hillstrom: 31,776 customers of a shop, each sent one of two e-mails or none, at random.

The MineThatData e-mail analytics and data mining challenge, 2008. Outcomes of two weeks: visit,
conversion (0 or 1) and spend (US dollars). As a log of decisions: each arm with propensity 1/3.
"""

import csv
from typing import TextIO

from bench.datasets.folder import read_lines

ARM = "segment"
OUTCOMES = ("visit", "conversion", "spend")
PROPENSITY = 1 / 3
"""By design, whatever the counts of the arms are."""


def write_decisions(outcome: str, out: TextIO) -> int:
    """Write the CSV of ``touchstream policy evaluate``, rewards as ``outcome``; the rows written.

    The customer is the row's number. The eight columns known before the e-mail are the context.
    """
    rows = csv.DictReader(read_lines("hillstrom", "hillstrom.csv.gz"))
    context = [name for name in rows.fieldnames or () if name not in (ARM, *OUTCOMES)]
    written = csv.writer(out, lineterminator="\n")
    written.writerow(["customer", *context, "action", "propensity", "reward"])
    number = 0
    for number, row in enumerate(rows, 1):
        known = [row[name] for name in context]
        written.writerow([number, *known, row[ARM], PROPENSITY, row[outcome]])
    return number
