"""All features that are measured and kept, in the order of the vector.

A new feature is a function and a line in the file of its kind. What can be worked out of these is
no feature but a column of ``streams/learn/basis.py``: a row of the ledger costs what is here.
"""

from touchstream.streams.features import engagement, frequency, money, recency, service
from touchstream.streams.features.feature import FeatureList

FEATURES = FeatureList(
    (
        *recency.FEATURES,
        *frequency.FEATURES,
        *money.FEATURES,
        *service.FEATURES,
        *engagement.FEATURES,
    )
)
SILENCE = FEATURES.names.index("silence_days")
