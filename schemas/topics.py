"""The Kafka topics, by the name that others know them by."""

TOUCHPOINTS_TOPIC = "touchpoints"
EXAMPLES_TOPIC = "touchstream.examples"
CHURN_RISK_TOPIC = "churn-risk"
CUSTOMER_RISK_TOPIC = "customer-risk"
NEXT_BEST_ACTION_TOPIC = "next-best-action"
ALERTS_TOPIC = "alerts"
CUSTOMER_SIGNALS_TOPIC = "customer-signals"
DEAD_LETTERS_TOPIC = "dead-letters"

COMPACTED_TOPICS = frozenset({CUSTOMER_RISK_TOPIC})
"""The broker keeps each customer's newest record for ever; a null value removes the customer."""
