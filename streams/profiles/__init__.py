"""What is known of one customer, and how each event changes it."""
