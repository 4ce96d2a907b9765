"""One HTML page that evaluates the scores of a replay."""
