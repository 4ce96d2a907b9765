"""Arrays as bytes: little-endian doubles, so that a round trip is exact."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def pack(values: Floats) -> bytes:
    """The bytes of a vector.

    >>> unpack(pack(np.array([0.5, -1.0]))).tolist()
    [0.5, -1.0]
    """
    return values.astype("<f8").tobytes()


def unpack(data: bytes) -> Floats:
    """Invert :func:`pack`; raises ``ValueError`` unless the bytes are whole doubles."""
    # A copy, because frombuffer returns a read-only view.
    return np.frombuffer(data, "<f8").astype(np.float64)


def pack_symmetric(matrix: Floats) -> bytes:
    """The upper triangle of a symmetric matrix, row by row."""
    return pack(matrix[_upper(len(matrix))])


def unpack_symmetric(data: bytes, width: int) -> Floats:
    """Invert :func:`pack_symmetric`; ``width`` is that of the matrix."""
    matrix = np.zeros((width, width))
    matrix[_upper(width)] = unpack(data)
    return matrix + np.triu(matrix, 1).T


def _upper(width: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    rows, columns = np.triu_indices(width)
    return rows, columns
