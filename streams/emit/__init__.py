"""What leaves the house: emissions with ids that are a function of their cause."""
