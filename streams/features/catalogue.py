"""All features, in the order of the vector.

A new feature is a function beside its kind, and a line here.
"""

from streams.features import engagement, frequency, money, recency, service
from streams.features.feature import Feature, FeatureList

FEATURES = FeatureList(
    (
        Feature(
            "silence_days", "ln(1+d)", "time since the last sign of life", recency.silence_days
        ),
        Feature("known_days", "ln(1+d)", "time since the first event", recency.known_days),
        Feature(
            "silence_over_gap",
            "ln ratio",
            "silence longer than is usual for this customer",
            recency.silence_over_gap,
        ),
        Feature("activity_count", "ln(1+n)", "signs of life so far", frequency.activity_count),
        Feature("activity_repeated", "0/1", "having come back at all", frequency.activity_repeated),
        Feature(
            "activity_week", "ln(1+n)", "signs of life in the last week", frequency.activity_week
        ),
        Feature(
            "activity_month", "ln(1+n)", "signs of life in the last month", frequency.activity_month
        ),
        Feature(
            "activity_quarter",
            "ln(1+n)",
            "signs of life in the last quarter",
            frequency.activity_quarter,
        ),
        Feature("activity_rate", "ln(1+n/28d)", "signs of life a month", frequency.activity_rate),
        Feature(
            "activity_trend", "ln ratio", "signs of life growing thin", frequency.activity_trend
        ),
        Feature("spend_minor", "ln(1+minor)", "amount spent so far", money.spend_minor),
        Feature(
            "spend_quarter_minor",
            "ln(1+minor)",
            "amount spent in the last quarter",
            money.spend_quarter_minor,
        ),
        Feature(
            "order_value_minor", "ln(1+minor)", "size of the usual order", money.order_value_minor
        ),
        Feature("returned_share", "0..1", "share of orders given back", money.returned_share),
        Feature("open_ticket_count", "n", "open tickets", service.open_ticket_count),
        Feature(
            "oldest_open_ticket_days",
            "ln(1+d)",
            "a ticket open for long",
            service.oldest_open_ticket_days,
        ),
        Feature("ticket_month", "ln(1+n)", "tickets in the last month", service.ticket_month),
        Feature("call_month", "ln(1+n)", "calls in the last month", service.call_month),
        Feature(
            "payment_failed_month",
            "ln(1+n)",
            "failed payments in the last month",
            service.payment_failed_month,
        ),
        Feature("web_month", "ln(1+n)", "web visits in the last month", engagement.web_month),
        Feature("email_month", "ln(1+n)", "e-mails in the last month", engagement.email_month),
        Feature(
            "content_month", "ln(1+n)", "content used in the last month", engagement.content_month
        ),
        Feature("survey_score", "0..1", "what the last survey said", engagement.survey_score),
        Feature(
            "subscription_running", "0/1", "a running subscription", engagement.subscription_running
        ),
        Feature(
            "subscription_days_left",
            "d",
            "time left in the running term",
            engagement.subscription_days_left,
        ),
    )
)
SILENCE = FEATURES.names.index("silence_days")
