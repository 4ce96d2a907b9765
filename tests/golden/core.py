"""What the pure core makes of the golden log, as JSON lines: outputs, and the state of everybody.

One partition, a tick at every midnight, touchpoints in batches of a hundred.
"""

import base64
import gzip
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import orjson

from tests.golden.worlds import rules
from touchstream.agents.history.pacer import Publish
from touchstream.agents.history.steps import read_steps
from touchstream.schemas.examples import encode_example
from touchstream.schemas.topics import EXAMPLES_TOPIC
from touchstream.streams.local import LocalStream
from touchstream.streams.projections.registry import REGISTERED, slots_of
from touchstream.streams.records import Record
from touchstream.streams.state import State, decode

FOLDER = Path(__file__).parent
WORLD, OUTPUTS, STATES = (FOLDER / f"{name}.jsonl.gz" for name in ("world", "outputs", "states"))
RECORDED = FOLDER / "recorded.json"
VERSION3, VERSION4, VERSION5 = (FOLDER / f"version{number}.jsonl" for number in (3, 4, 5))
BATCH = 100


def run(log: Path = WORLD) -> LocalStream:
    """Run a log through the core."""
    return list(midnights(log))[-1]


def midnights(log: Path) -> Iterator[LocalStream]:
    """The core after every tick: the same object, grown."""
    stream, batch = LocalStream(rules()), list[Record]()
    for offset, step in enumerate(read_steps([log], 1)):
        if isinstance(step, Publish):
            line = step.line
            batch.append(Record(offset, step.received_ms, line.key, line.value, line.headers))
        if batch and (len(batch) == BATCH or not isinstance(step, Publish)):
            stream.feed(0, batch)
            batch = []
        if not isinstance(step, Publish):
            stream.tick(step.time_ms)
            yield stream


def outputs(stream: LocalStream) -> Iterator[dict[str, Any]]:
    """Every emitted record in order, then every example that the learner was given, in order."""
    for entry in stream.emitted:
        headers = [[name, spelled(value)] for name, value in entry.headers]
        yield {
            "topic": entry.topic,
            "key": spelled(entry.key),
            "value": spelled(entry.value),
            "headers": headers,
        }
    for example in stream.examples:
        yield {"topic": EXAMPLES_TOPIC, "value": spelled(encode_example(example))}


def states(stream: LocalStream) -> Iterator[dict[str, Any]]:
    """The state of everybody, by shard and customer."""
    for shard in stream.shards:
        for customer, data in sorted(shard.states.items()):
            yield {"customer": customer, "state": named(decode(data))}


def named(state: State) -> dict[str, Any]:
    """A state with the names of its fields and projections; timers stand apart from contents."""
    header: dict[str, Any] = by_name(
        State(
            state.profile,
            state.memory,
            state.next_timer_ms,
            state.erased_ms,
            counts=state.counts,
        )
    )
    slots, timers = slots_of(state), {slot.number: slot.next_timer_ms for slot in state.slots}
    held = [one for one in REGISTERED if one.slot in timers]
    if held:
        header["slots"] = {one.name: by_name(slots.get(one)) for one in held}
        header["timers"] = {one.name: timers[one.slot] for one in held}
    return header


def by_name(value: Any) -> Any:  # noqa: ANN401 - any part of a state
    """JSON with the names of all fields that are not at their defaults; bytes in base64."""
    match value:
        case msgspec.Struct():
            fields = msgspec.structs.fields(value)
            held = [(field.name, getattr(value, field.name), _default(field)) for field in fields]
            return {name: by_name(each) for name, each, bare in held if each != bare}
        case dict():
            return {str(name): by_name(held) for name, held in sorted(value.items())}
        case list() | tuple():
            return [by_name(each) for each in value]
        case bytes():
            return base64.b64encode(value).decode()
        case _:
            return value


def _default(field: msgspec.structs.FieldInfo) -> object:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default


def spelled(data: bytes | None) -> Any:  # noqa: ANN401 - JSON
    """Bytes as JSON can say them: text where they are text, else in base64."""
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def unspelled(spelt: Any) -> bytes | None:  # noqa: ANN401 - JSON
    """Bytes back from :func:`spelled`."""
    if isinstance(spelt, dict):
        return base64.b64decode(spelt["base64"])
    return None if spelt is None else str(spelt).encode()


def read(file: Path) -> list[Any]:
    """The lines of a golden file."""
    return [orjson.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]


def write(file: Path, lines: Iterable[Any]) -> None:
    """The same lines give the same file."""
    pack(file, [orjson.dumps(line) for line in lines])


def pack(file: Path, lines: Sequence[bytes]) -> None:
    """Write lines as they are, without the moment of packing."""
    file.write_bytes(gzip.compress(b"".join(line + b"\n" for line in lines), 9, mtime=0))
