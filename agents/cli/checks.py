"""The doctor's checks of the facts it has read; pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from touchstream.agents.checkpoint import Checkpoint
from touchstream.agents.cli.reading import OffsetRange
from touchstream.agents.resharding import Lineage
from touchstream.agents.serving import Backfill
from touchstream.agents.settings import Settings
from touchstream.schemas.envelope import format_time
from touchstream.schemas.units import Millis
from touchstream.streams.checkpoint import ShardCheckpoint
from touchstream.streams.intake.misspelt import misspelt_in

SKEW_MS = 2_000
"""A larger difference between two clocks becomes visible in emissions."""

TICKS_MISSED = 6
LEAST_SILENCE_MS = 60_000
OUTBOX_SHOWN = 1_000
"""At most this many entries are counted; a healthy outbox holds none for long."""


class Finding(NamedTuple):
    """One check."""

    check: str
    summary: str
    faults: Sequence[str] = ()
    """Faults with their remedies, a sentence each; empty if all is well."""


class ShardFacts(NamedTuple):
    """The content of one shard in Redis."""

    name: str
    offset: int | None
    """The fence's offset; None before the first commit."""
    checkpoint: ShardCheckpoint
    outbox: int


class StoreFacts(NamedTuple):
    """Everything read from Redis."""

    troubles: Sequence[str]
    claimed: int | None
    now_ms: int
    shards: Sequence[ShardFacts]
    checkpoint: Checkpoint | None
    learner_outbox: int
    lineage: Lineage | None = None
    backfill: Backfill | None = None


class LogFacts(NamedTuple):
    """The offsets that Kafka holds of the touchpoints, by partition."""

    spans: Mapping[int, OffsetRange]
    newest_ms: Millis | None
    """The broker's stamp on the newest record."""


def check_store(settings: Settings, facts: StoreFacts, now_ms: Millis) -> Iterator[Finding]:
    """The checks that need Redis alone."""
    yield Finding("redis", settings.redis.url, facts.troubles)
    yield _partitions(settings, facts)
    if facts.backfill is not None:
        yield _backfill(facts.backfill)
    yield _clock("clock of redis", Millis(facts.now_ms), now_ms)
    yield _outboxes(facts)
    yield _ticks(settings, facts, now_ms)
    yield _event_types(settings, facts)


def check_log(facts: StoreFacts, log: LogFacts, now_ms: Millis) -> Iterator[Finding]:
    """The checks that need Redis and Kafka."""
    yield _fences(facts.shards, log.spans)
    if log.newest_ms is not None and log.newest_ms > now_ms:  # an older one may only mean silence
        yield _clock("clock of the broker", log.newest_ms, now_ms)


def check_build(settings: Settings, facts: StoreFacts, features: str) -> Iterator[Finding]:
    """Compare the active configuration with this build and these settings."""
    active_config = [
        shard.checkpoint.active_config for shard in facts.shards if shard.checkpoint.active_config
    ]
    lists = sorted({each.features for each in active_config} - {features})
    yield Finding(
        "feature list",
        features,
        [
            f"list {each} is active: start the learner of this build, or run the matching build"
            for each in lists
        ],
    )
    rules = settings.rules.digest()
    others = sorted({each.rules for each in active_config} - {rules})
    yield Finding(
        "rules",
        rules,
        [
            f"rules {each} are active: start the learner with this configuration, or fix it"
            for each in others
        ],
    )


def _backfill(backfill: Backfill) -> Finding:
    until = format_time(backfill.until_ms)
    summary = f"{backfill.lines:,} lines of history up to {until}"
    if backfill.finished:
        return Finding("backfill", summary)
    return Finding(
        "backfill",
        summary,
        [
            "it has not finished, and no tick is written until it has: run `touchstream backfill` "
            "again with the same files, which goes on where it was"
        ],
    )


def _partitions(settings: Settings, facts: StoreFacts) -> Finding:
    wanted, found, lineage = settings.kafka.partitions, facts.claimed, facts.lineage
    if lineage is not None and not lineage.finished:
        source = lineage.sources[-1]
        return Finding(
            "partitions",
            f"namespace {settings.namespace!r} is half a copy of {source.namespace!r}",
            [
                "no worker serves it: finish the copy with the configuration of "
                f"{source.namespace!r} ({lineage.again} --namespace {settings.namespace}), which "
                "begins it anew; or go on with that namespace, which is untouched"
            ],
        )
    if found is None:
        return Finding("partitions", f"nothing has run in namespace {settings.namespace!r} yet")
    faults = [] if found == wanted else [f"kafka.partitions is {wanted}: set it back to {found}"]
    summary = f"the namespace was started with {found}"
    if lineage is not None:
        source = lineage.sources[-1]
        summary += (
            f", a copy of {source.namespace!r} with {source.partitions} as of tick {source.tick}"
        )
    return Finding("partitions", summary, faults)


def _clock(check: str, found_ms: Millis, now_ms: Millis) -> Finding:
    skew_ms = found_ms - now_ms
    fault = f"{skew_ms / 1000:+.1f} s from this machine's: synchronise both (NTP)"
    return Finding(check, f"{skew_ms:+d} ms", [fault] if abs(skew_ms) > SKEW_MS else [])


def _outboxes(facts: StoreFacts) -> Finding:
    sizes = {shard.name: shard.outbox for shard in facts.shards}
    sizes["learner"] = facts.learner_outbox
    faults = [
        f"{name}: {OUTBOX_SHOWN} entries or more wait: are its owner and the broker running?"
        for name, size in sizes.items()
        if size >= OUTBOX_SHOWN
    ]
    return Finding("outboxes", f"{sum(sizes.values())} entries wait", faults)


def _ticks(settings: Settings, facts: StoreFacts, now_ms: Millis) -> Finding:
    checkpoint = facts.checkpoint
    if checkpoint is None:
        return Finding("ticks", "the learner has not run yet")
    summary = (
        f"{checkpoint.written} written, {checkpoint.knowledge.tick} learnt, shards at "
        f"{_range([shard.checkpoint.tick for shard in facts.shards])}, "
        f"model version {checkpoint.knowledge.version}"
    )
    faults = []
    patience_ms = max(LEAST_SILENCE_MS, int(TICKS_MISSED * settings.ticks.interval_s * 1000))
    if checkpoint.written and now_ms - checkpoint.written_ms > patience_ms:
        silence_s = (now_ms - checkpoint.written_ms) // 1000
        faults.append(f"no tick for {silence_s} s: is `touchstream learner` running?")
    behind = [s.name for s in facts.shards if checkpoint.written - s.checkpoint.tick > TICKS_MISSED]
    if behind:
        faults.append(
            f"{', '.join(behind)}: more than {TICKS_MISSED} ticks behind: are all workers running, "
            "and is one partition parked (its log line names the version it waits for)?"
        )
    return Finding("ticks", summary, faults)


def _event_types(settings: Settings, facts: StoreFacts) -> Finding:
    """No fault: the counts stay after the producer is fixed."""
    dropped = misspelt_in(shard.checkpoint.misspelt_types for shard in facts.shards)
    own = f"{len(settings.rules.event_types)} own"
    return Finding("event types", "; ".join([own, *map(str, dropped)]))


def _fences(shards: Sequence[ShardFacts], spans: Mapping[int, OffsetRange]) -> Finding:
    faults, lags = [], []
    for number, shard in enumerate(shards):
        span = spans.get(number)
        if span is None or shard.offset is None:
            continue
        lags.append(span.end - shard.offset)
        if not span.begin <= shard.offset <= span.end:
            faults.append(
                f"{shard.name}: the fence is {shard.offset}, the log holds {span.begin} to "
                f"{span.end}: restore Redis or the topic, or set worker.on_lost_fence"
            )
    summary = f"{len(lags)} of {len(shards)} shards have begun, lag {_range(lags)}"
    return Finding("fences", summary, faults)


def _range(numbers: Sequence[int]) -> str:
    if not numbers:
        return "none"
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"
