"""Randomness derived from the cause, so that a replay draws the same numbers."""

import hashlib

_SPAN = 2.0**-53
ROUNDING = 1e-9  # float tolerance of a probability sum


def draw(seed: int, subject: str, cause: str, purpose: str) -> float:
    """A number in [0, 1), uniform over causes, a function of its arguments alone.

    >>> draw(0, "ada", "web 17", "explore") == draw(0, "ada", "web 17", "explore")
    True
    """
    material = f"{seed}\0{subject}\0{cause}\0{purpose}".encode()
    number = int.from_bytes(hashlib.blake2b(material, digest_size=8).digest(), "little")
    # 53 bits, the precision of a double: rounding must not reach 1.
    return (number >> 11) * _SPAN


def pick(probabilities: dict[str, float], lot: float) -> str:
    """The arm drawn by ``lot`` (0..1) from the cumulative distribution, in order of the arms.

    Raises ``ValueError`` unless they are >= 0 and sum to 1 within :data:`ROUNDING`.
    """
    if abs(sum(probabilities.values()) - 1) > ROUNDING or min(probabilities.values()) < 0:
        raise ValueError(f"not a probability distribution: {probabilities}")
    reached = 0.0
    for arm, probability in probabilities.items():
        reached += probability
        if lot < reached:
            return arm
    return max(probabilities, key=lambda arm: probabilities[arm])  # lot above 1 - rounding
