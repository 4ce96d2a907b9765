"""Quality of the risks: data sets x targets x models, judged on the same rows in the same run.

``python -m bench.quality`` makes the table; :func:`bench.quality.rows.collect` gives the rows.
"""
