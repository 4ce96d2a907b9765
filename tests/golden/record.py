"""Record the golden outputs and states anew, and say what has changed.

    python -m tests.golden.record         # the same log
    python -m tests.golden.record --log   # a log of today's simulator, too

A change of outputs that was meant is recorded in the commit that makes it; the summary belongs in
its message.
"""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import orjson

from tests.golden import core
from tests.golden.worlds import SIZES, world_lines
from touchstream.schemas.topics import DEAD_LETTERS_TOPIC, EXAMPLES_TOPIC
from touchstream.streams.local import LocalStream

OF_LOG = "small"
BAD_USAGE = 2


class Recorded(msgspec.Struct, frozen=True):
    """The file beside the recorded ones."""

    commit: str
    """The commit that was checked out; what was recorded may be ahead of it."""
    outputs: Mapping[str, int]
    """Type of record -> how many."""
    states: int


def recorded() -> Recorded:
    """What the files in this folder were recorded from."""
    return msgspec.json.decode(core.RECORDED.read_bytes(), type=Recorded)


def kinds(outputs: Sequence[Mapping[str, Any]]) -> Counter[str]:
    """How many there are of each type."""
    return Counter(_kind(line) for line in outputs)


def _kind(line: Mapping[str, Any]) -> str:
    topic, value = str(line["topic"]), line["value"]
    if value is None:
        return f"tombstone on {topic}"
    if topic == DEAD_LETTERS_TOPIC:
        return "dead letter"
    whole = orjson.loads(value)
    return f"example of {whole['target']}" if topic == EXAMPLES_TOPIC else str(whole["type"])


def summary(before: Sequence[Any], after: Sequence[Any]) -> Iterator[str]:
    """What to tell of two lists of outputs."""
    old, new = kinds(before), kinds(after)
    lines = {orjson.dumps(line, option=orjson.OPT_SORT_KEYS) for line in before}
    same = sum(orjson.dumps(line, option=orjson.OPT_SORT_KEYS) in lines for line in after)
    yield f"{len(after)} outputs, {same} of them as before"
    for kind in sorted({*old, *new}):
        if old[kind] != new[kind]:
            yield f"  {kind}: {old[kind]} -> {new[kind]}"


def record(*, log: bool) -> Iterator[str]:
    """Write the files; yields what to tell."""
    if log:
        core.pack(core.WORLD, list(world_lines(SIZES[OF_LOG])))
    stream: LocalStream = core.run()
    outputs, states = list(core.outputs(stream)), list(core.states(stream))
    yield from summary(core.read(core.OUTPUTS), outputs)
    core.write(core.OUTPUTS, outputs)
    core.write(core.STATES, states)
    about = Recorded(_commit(), dict(sorted(kinds(outputs).items())), len(states))
    core.RECORDED.write_bytes(msgspec.json.format(msgspec.json.encode(about)) + b"\n")


def _commit() -> str:
    command = ["git", "-C", str(core.FOLDER), "rev-parse", "--short=7", "HEAD"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def main(arguments: Sequence[str]) -> int:
    """Record; 2 for an argument that it does not know."""
    if arguments not in ([], ["--log"]):
        print("usage: python -m tests.golden.record [--log]", file=sys.stderr)
        return BAD_USAGE
    for line in record(log=bool(arguments)):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
