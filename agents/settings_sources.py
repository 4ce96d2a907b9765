"""The sources of the settings: one TOML file and the environment, as plain nested tables."""

import difflib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

DEFAULT_FILE = Path("touchstream.toml")
PREFIX = "TOUCHSTREAM_"
CONFIG_VARIABLE = "TOUCHSTREAM_CONFIG"
OTHER_VARIABLES = frozenset({CONFIG_VARIABLE, "TOUCHSTREAM_DATA", "TOUCHSTREAM_KAFKA_LIBS"})
"""Ours, but no settings: the path of the file, and two folders that bench reads."""
KUBERNETES_LINK = re.compile(r"_SERVICE_(HOST|PORT)|_PORT_\d+_(TCP|UDP)|_PORT=(tcp|udp)://")
"""Variables that Kubernetes adds to every pod for a service named touchstream..."""

KnownKeys: TypeAlias = Mapping[str, "KnownKeys"]
"""Every key that may be written; a key that is no table has none below it."""


class SettingsError(Exception):
    """A setting is missing, unknown or invalid; one line names it and the valid values."""


class Given(NamedTuple):
    """The operator's settings: known keys, unchecked values."""

    values: dict[str, object]
    file: Path | None
    variables: Mapping[str, str]
    """Dotted setting -> the variable that set it."""

    def origin(self, setting: str) -> str:
        """The file or variable that set a key, or any key of a table."""
        names = [name for key, name in self.variables.items() if _same_branch(key, setting)]
        return ", ".join(names) or str(self.file or "the defaults")


def read(path: Path | None, environ: Mapping[str, str], known: KnownKeys) -> Given:
    """Merge file and environment; the environment wins.

    Raises
    ------
    SettingsError
        When the file cannot be read, or a key is not among ``known``.
    """
    file = _chosen_file(path, environ)
    values = _read_toml(file) if file else {}
    variables: dict[str, str] = {}
    for name, keys in _variables(environ):
        _put(values, keys, _parsed(name, environ[name]))
        variables[".".join(keys)] = name
    given = Given(values, file, variables)
    _refuse_unknown(given, given.values, known, "")
    return given


def _chosen_file(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    if path is None and environ.get(CONFIG_VARIABLE):
        path = Path(environ[CONFIG_VARIABLE])
    if path is None:
        return DEFAULT_FILE if DEFAULT_FILE.exists() else None
    return path


def _read_toml(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{file}: want a readable TOML file: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"{file}: want TOML in UTF-8: {error}") from error


def _variables(environ: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    """Yield our variables with the keys each one names, in a fixed order."""
    for name in sorted(environ):
        foreign = "__" not in name and KUBERNETES_LINK.search(f"{name}={environ[name]}")
        if name.startswith(PREFIX) and name not in OTHER_VARIABLES and not foreign:
            yield name, name.removeprefix(PREFIX).lower().split("__")


def _parsed(name: str, text: str) -> object:
    if not text.startswith(("[", "{")):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise SettingsError(f"{name}: want JSON after {text[0]!r}: {error}") from error


def _put(values: dict[str, object], keys: list[str], value: object) -> None:
    for key in keys[:-1]:
        inner = values.setdefault(key, {})
        if not isinstance(inner, dict):
            values[key] = inner = {}
        values = inner
    values[keys[-1]] = value


def _refuse_unknown(given: Given, values: object, known: KnownKeys, within: str) -> None:
    if isinstance(values, list):
        for number, entry in enumerate(values):
            _refuse_unknown(given, entry, known, f"{within[:-1]}[{number}].")
    if not known or not isinstance(values, dict):
        return
    for key, value in values.items():
        if key not in known:
            setting = within + key
            raise SettingsError(
                f"{setting}: no such setting (from {given.origin(setting)}); "
                f"{_suggestion(key, known, within)}"
            )
        _refuse_unknown(given, value, known[key], f"{within}{key}.")


def _suggestion(key: str, known: KnownKeys, within: str) -> str:
    """Say what was probably meant: ``kafka_bootstrap`` is ``kafka.bootstrap`` misspelt."""
    spellings = {name: within + name for name in known}
    for table, below in known.items():
        spellings |= {f"{table}_{name}": f"{within}{table}.{name}" for name in below}
    close = difflib.get_close_matches(key, spellings, n=1)
    return f"did you mean {spellings[close[0]]}?" if close else "see docs/settings.md"


def _same_branch(one: str, other: str) -> bool:
    """Tell whether one is the other or holds it: ``actions`` holds ``actions[0].name``."""
    shorter, longer = sorted((one, other), key=len)
    return longer.startswith(shorter) and longer[len(shorter) : len(shorter) + 1] in ("", ".", "[")
