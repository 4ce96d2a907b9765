"""All stored features, in the order of the vector.

A new feature is a function and a line in the file of its kind. Values that can be derived from
these belong into ``streams/learn/basis.py``, because every ledger row stores the whole vector.
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
