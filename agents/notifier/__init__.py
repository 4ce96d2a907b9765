"""The notifier: sends alerts to reps and queues. Its core is pure; only ``agent`` does I/O."""
