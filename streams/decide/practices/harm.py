"""Sleeping dogs: actions that make things worse for a segment, and are suspended there."""

from collections.abc import Sequence

from touchstream.streams.decide.practices.practices import Finding, Practice

WITHOUT_EVIDENCE = {"wrong_propensities", "too_few", "same_reward"}


def suspended(findings: Sequence[Finding]) -> list[Practice]:
    """The practices whose whole interval is below 0; findings of a reward before costs.

    One interval at a time, without the correction for many practices: to leave somebody alone
    wrongly costs less than to drive them away.
    """
    return [
        finding.practice
        for finding in findings
        if finding.reason not in WITHOUT_EVIDENCE and finding.difference.high < 0.0
    ]
