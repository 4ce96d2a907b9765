"""A policy to evaluate, from TOML; docs/deciding.md has an example of each kind."""

import tomllib
from pathlib import Path
from typing import Annotated, assert_never

import msgspec
from msgspec import Meta, Struct

from touchstream.streams.decide.chance import ROUNDING
from touchstream.streams.decide.evaluation.learnt import Learnt
from touchstream.streams.decide.evaluation.policies import (
    Constant,
    Distribution,
    Greedy,
    LinearArm,
    Table,
    TargetPolicy,
    Uniform,
)

Action = Annotated[str, Meta(min_length=1)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Choice = Action | dict[Action, Share]
"""An action, or the probability of each."""


class PolicyError(ValueError):
    """A file that describes no policy; the message names it, the place and the reason."""


class _Strict(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class _Constant(_Strict, frozen=True, tag_field="kind", tag="constant"):
    action: Action
    fallback: Action | None = None


class _Uniform(_Strict, frozen=True, tag_field="kind", tag="uniform"):
    pass


class _Table(_Strict, frozen=True, tag_field="kind", tag="table"):
    column: str
    segments: dict[str, Choice]
    default: Choice | None = None
    fallback: Action | None = None


class _Arm(_Strict, frozen=True):
    intercept: float = 0.0
    weights: dict[str, float] = {}


class _Greedy(_Strict, frozen=True, tag_field="kind", tag="greedy"):
    arms: Annotated[dict[Action, _Arm], Meta(min_length=1)]


class _Learnt(_Strict, frozen=True, tag_field="kind", tag="learnt"):
    first: Annotated[float, Meta(gt=0.0, lt=1.0)] = 0.5


_File = _Constant | _Uniform | _Table | _Greedy | _Learnt


def read_policy(file: Path) -> TargetPolicy | Learnt:
    """Read a policy; raises :class:`PolicyError`."""
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
        read = msgspec.convert(table, type=_File, strict=True)
        return _policy(read)
    except OSError as exc:
        raise PolicyError(f"{file}: {exc.strerror or exc}") from exc
    except (ValueError, UnicodeDecodeError) as exc:
        raise PolicyError(f"{file}: {exc}") from exc


def _policy(read: _File) -> TargetPolicy | Learnt:
    match read:
        case _Constant():
            return Constant(read.action, read.fallback)
        case _Uniform():
            return Uniform()
        case _Table():
            segments = {
                value: _distribution(f"segments.{value}", choice)
                for value, choice in read.segments.items()
            }
            default = None if read.default is None else _distribution("default", read.default)
            return Table(read.column, segments, default, read.fallback)
        case _Greedy():
            arms = {name: LinearArm(arm.intercept, arm.weights) for name, arm in read.arms.items()}
            return Greedy(arms)
        case _Learnt():
            return Learnt(read.first)
        case _:
            assert_never(read)


def _distribution(where: str, choice: Choice) -> Distribution:
    if isinstance(choice, str):
        return {choice: 1.0}
    total = sum(choice.values())
    if abs(total - 1.0) > ROUNDING:
        raise PolicyError(f"{where}: want probabilities that sum to 1, not to {total:g}")
    return choice
