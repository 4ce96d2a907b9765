"""What happens at a touchpoint: one frozen struct per event type, grouped by business area."""
