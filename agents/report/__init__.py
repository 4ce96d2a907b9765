"""One HTML page that says how good the scores of a replay were."""
