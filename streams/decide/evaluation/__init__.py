"""Off-policy evaluation: the value of a policy from decisions that another policy made.

``logged`` holds decisions as columns, ``policies`` the policies to evaluate, ``learnt`` one that
the log itself teaches, ``support`` their probabilities and the refusal, ``rewards`` the reward
models, ``terms`` the estimators, ``intervals`` the intervals, ``evaluate`` all of it in one call,
and ``differences`` compares two policies.
"""
