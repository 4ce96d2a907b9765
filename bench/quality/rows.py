"""The rows to judge by: predictions, features and labels, with customer and moment.

The whole pure core runs over the events with the ticks that ``touchstream replay`` would write, so
the served model's probability is test-then-train by construction.
"""

import base64
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from touchstream.agents.history.lines import Line, LinesError, parse_line
from touchstream.agents.history.pacer import Publish, TickAt, paced
from touchstream.agents.settings import TickSettings
from touchstream.schemas.examples import Example
from touchstream.schemas.rules import Rules
from touchstream.schemas.units import Millis
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.snapshot import CHURN, RETURN
from touchstream.streams.local import LocalStream
from touchstream.streams.records import Record

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Vectors = NDArray[np.float32]
Progress = Callable[[Millis, int], None]
"""Called with the time of each tick and the number of rows matured by then."""

DAILY = TickSettings()


@dataclass(frozen=True)
class Rows:
    """Matured ledger rows in the order in which the learner learns: matured, customer, scored.

    Arrays are ``n`` long and parallel. Rows that had not matured by the last tick are left out.
    """

    customer: Ints
    """Index into ``customers``."""
    at_ms: Ints
    """The moment that was scored."""
    matured_ms: Ints
    """The moment from which the label was known."""
    label: Ints
    """1: churned within the horizon; of another target: it happened."""
    probability: Floats
    """P(label 1), as served at ``at_ms``."""
    version: Ints
    """The version that predicted it; 0: none was published yet."""
    open: Flags
    """False: the relation was over, by the projection ``relation``; a row of the target ``return``,
    turned over: probability and label are those of not coming back."""
    vector: Vectors
    """(n, features): what the ledger stored at ``at_ms``; NaN is "missing"."""
    names: tuple[str, ...]
    """Names of the columns of ``vector``."""
    customers: tuple[str, ...]
    """Pseudonyms, in order of appearance."""
    seconds: float
    """CPU of the core over all events, learning included."""

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.label)

    def take(self, chosen: NDArray[np.bool_] | Ints) -> "Rows":
        """Some of the rows, by mask or by index."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in _COLUMNS})


_COLUMNS = ("customer", "at_ms", "matured_ms", "label", "probability", "version", "open", "vector")


def collect(
    events: Iterable[bytes],
    rules: Rules,
    ticks: TickSettings = DAILY,
    progress: Progress | None = None,
    target: str = CHURN,
) -> Rows:
    """Run the core over ``events`` (one JSON line each, in order of arrival) and keep the rows.

    ``target`` is churn or one of ``rules.targets``; rows of the others are passed over. Of churn,
    customers whose relation is over have rows as well, marked by ``open``.
    One partition, no services. Memory: about 60 bytes a row beside the vectors, 4 bytes a value.

    Raises
    ------
    LinesError
        If the events are a recorded log that brings its own ticks: replay that instead.
    """
    stream, gathered = LocalStream(rules), _Gathered()
    wanted = {target, RETURN} if target == CHURN else {target}
    waiting: list[Record] = []
    started = time.process_time()
    for number, step in enumerate(_steps(events, ticks)):
        if isinstance(step, Publish):
            waiting.append(_record(number, step))
            continue
        stream.feed(0, waiting)
        waiting.clear()
        stream.tick(step.time_ms)
        gathered.keep([one for one in stream.examples if one.target in wanted])
        stream.examples.clear()
        stream.emitted.clear()
        if progress is not None:
            progress(step.time_ms, gathered.count)
    return gathered.rows(time.process_time() - started)


def _steps(events: Iterable[bytes], ticks: TickSettings) -> Iterator[Publish | TickAt]:
    lines = map(_without_tick, map(parse_line, events))
    first = next(lines, None)
    if first is None:
        return iter(())
    return paced(chain([first], lines), first.time_ms, ticks.every_days)


def _without_tick(line: Line) -> Line:
    if line.tick or line.partition is not None:
        raise LinesError("a recorded log brings its own ticks: use `touchstream replay` for it")
    return line


def _record(number: int, step: Publish) -> Record:
    return Record(number, step.received_ms, step.line.key, step.line.value, step.line.headers)


class _Gathered:
    """Rows tick by tick, as arrays: a million structs would weigh gigabytes."""

    def __init__(self) -> None:
        self._index: dict[str, int] = {}
        self._numbers: list[NDArray[np.float64]] = []
        self._vectors: list[Vectors] = []
        self.count = 0

    def keep(self, examples: Sequence[Example]) -> None:
        if not examples:
            return
        ordered = sorted(examples, key=lambda e: (e.matured_ms, e.customer, e.at_ms))
        self._numbers.append(np.array([self._row(example) for example in ordered]))
        values = [FEATURES.unpack(base64.b64decode(example.vector)) for example in ordered]
        self._vectors.append(np.array(values, np.float32))
        self.count += len(ordered)

    def _row(self, example: Example) -> tuple[float, ...]:
        over = example.target == RETURN
        # Milliseconds since 1970 are exact in a double until the year 287,396.
        return (
            self._index.setdefault(example.customer, len(self._index)),
            example.at_ms,
            example.matured_ms,
            1 - example.label if over else example.label,
            example.model_version,
            not over,
            1 - example.probability if over else example.probability,
        )

    def rows(self, seconds: float) -> Rows:
        numbers = np.concatenate([np.empty((0, 7)), *self._numbers])
        whole = numbers[:, :6].astype(np.int64)
        return Rows(
            customer=whole[:, 0],
            at_ms=whole[:, 1],
            matured_ms=whole[:, 2],
            label=whole[:, 3],
            version=whole[:, 4],
            open=whole[:, 5] == 1,
            probability=numbers[:, 6],
            vector=np.concatenate([np.empty((0, len(FEATURES.names)), np.float32), *self._vectors]),
            names=FEATURES.names,
            customers=tuple(self._index),
            seconds=seconds,
        )
