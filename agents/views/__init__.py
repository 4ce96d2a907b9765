"""What a deployment shows of itself, read from the store for the commands and the console."""
