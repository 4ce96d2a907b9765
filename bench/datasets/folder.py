"""The folder of the data, and the message when a file is missing."""

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

FOLDER_VARIABLE = "TOUCHSTREAM_DATA"
BESIDE_THE_PROJECT = Path(__file__).resolve().parents[3] / "shared" / "data"

ORIGINS = {
    "cdnow": "the CDNOW purchase log of Fader and Hardie (brucehardie.com, datasets/CDNOW_*.zip)",
    "hillstrom": "Hillstrom's MineThatData e-mail challenge (blog.minethatdata.com, 2008)",
    "bank_calls": 'the call-centre data of an "Anonymous Bank", 1999 (Technion SEE laboratory)',
}


class DataMissing(FileNotFoundError):
    """A data file is missing; the message says where to get it."""


def data_folder() -> Path:
    """``TOUCHSTREAM_DATA`` if it is set, else ``../shared/data`` beside the project's root."""
    return Path(os.environ.get(FOLDER_VARIABLE) or BESIDE_THE_PROJECT)


def read_lines(dataset: str, name: str) -> Iterator[str]:
    """Yield the lines of a gzipped file of a data set, ends stripped, empty ones left out.

    Raises
    ------
    DataMissing
        At once, not at the first line, naming the file, the variable to set and the origin.
    """
    path = data_folder() / dataset / name
    if not path.is_file():
        raise DataMissing(
            f"{path} is missing: this is {ORIGINS[dataset]}. Put {name} there, or set "
            f"{FOLDER_VARIABLE} to the folder that holds {dataset}/ (see the README in it)."
        )
    return _stripped(path)


def _stripped(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="ascii") as file:
        yield from filter(None, map(str.rstrip, file))
