"""Online learning: predict, wait for the label, then learn it once."""
