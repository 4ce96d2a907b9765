"""Named pure functions of a profile and a moment: what the models see."""
