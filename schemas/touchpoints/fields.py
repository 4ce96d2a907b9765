"""The bounded types that fields of touchpoints are made of.

Bounds are wide enough for any business and narrow enough that sums over a customer's life stay
finite.
"""

from typing import Annotated

from msgspec import Meta

LARGEST_EXACT_INT = 2**53
"""Above it JavaScript, Lua and float64 round integers, so two readers would disagree."""

Label = Annotated[str, Meta(min_length=1, max_length=256)]
"""An identifier or a short name."""

Address = Annotated[str, Meta(min_length=1, max_length=2048)]
"""A page: a path or URL; browsers send long ones."""

Referrer = Annotated[str, Meta(max_length=2048)]
"""As browsers report it: empty when the visit came from nowhere."""

FreeText = Annotated[str, Meta(max_length=32_768)]
"""Words of a person."""

Minor = Annotated[int, Meta(ge=0, le=LARGEST_EXACT_INT)]
"""Money in minor units (cents) of the currency beside it."""

Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", max_length=3)]
"""ISO 4217 code; the length, because Python's ``$`` lets a newline follow."""

Seconds = Annotated[float, Meta(ge=0, le=1_000_000_000)]
"""A duration; 10^9 s are 32 years, more is a mistaken unit."""

Count = Annotated[int, Meta(ge=0, le=LARGEST_EXACT_INT)]

Score = Annotated[float, Meta(ge=-1_000_000, le=1_000_000)]
"""A point on the scale that the field beside it names."""

ScoreMax = Annotated[float, Meta(gt=0, le=1_000_000)]
"""The top of a scale."""

Days = Annotated[int, Meta(ge=1, le=36_500)]

Answers = Annotated[dict[Label, FreeText | int | float | bool | None], Meta(max_length=64)]
"""Named values of a survey or a customer; at most 64."""
