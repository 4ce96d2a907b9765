"""The console: a live list of alerts for support reps, with the pages around it."""
