"""Is an action worth keeping? Answers that may be asked for every day.

``practices`` weighs every action in every segment against doing nothing, with ``differences`` as
its estimates and ``discoveries`` as its error rate; ``sample_ratio`` checks the log's propensities
first, ``harm`` names actions that make things worse, and ``programme`` says what all actions
together brought.
"""
