"""Columns of lots in [0, 1) derived from a seed and a purpose, like ``decide.chance.draw``."""

import hashlib

import numpy as np

from touchstream.streams.decide.evaluation.logged import Floats

_GOLDEN = 0x9E3779B97F4A7C15
_SPAN = 2.0**-53


def lots(seed: int, purpose: str, n: int) -> Floats:
    """N numbers, uniform and independent; a function of the arguments alone.

    SplitMix64 (Steele, Lea and Flood 2014) from a start that is a hash of both; the first 53 bits.

    >>> [round(float(lot), 3) for lot in lots(0, "bootstrap 0", 3)] == [
    ...     round(float(lot), 3) for lot in lots(0, "bootstrap 0", 5)[:3]
    ... ]
    True
    """
    digest = hashlib.blake2b(f"{seed}\0{purpose}".encode(), digest_size=8).digest()
    z = np.arange(1, n + 1, dtype=np.uint64)
    z *= np.uint64(_GOLDEN)
    z += np.frombuffer(digest, dtype="<u8")
    z ^= z >> np.uint64(30)
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)).astype(np.float64) * _SPAN
