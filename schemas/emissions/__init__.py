"""What touchstream says: risks, recommended actions, alerts and signals, as CloudEvents."""
