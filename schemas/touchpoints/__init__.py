"""The touchpoints: one frozen struct per event type, grouped by business area."""
