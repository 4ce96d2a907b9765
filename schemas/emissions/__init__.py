"""The emitted events: risks, recommended actions, alerts and signals, as CloudEvents."""
