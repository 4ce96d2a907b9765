"""The model's versions, the evidence for its rivals, and the wish for the one to serve."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from touchstream.agents.active_config import LEARNER, about_id
from touchstream.agents.checkpoint import About, Checkpoint, decode_learner_checkpoint
from touchstream.agents.serving import trouble_with, want, wanted
from touchstream.agents.settings import Settings
from touchstream.agents.stores.base import Fence, Read, Store
from touchstream.schemas.shards import shard_name, shard_names
from touchstream.streams.checkpoint import ShardCheckpoint, decode_checkpoint
from touchstream.streams.learn.knowledge import Learnt
from touchstream.streams.learn.trial import Trial

NEWEST: Literal["newest"] = "newest"


class NoLearner(Exception):
    """No learner has run yet, or one of another build; one line says which."""


class CannotServe(Exception):
    """A version cannot be served; one line gives the reason."""


class Kept(Struct):
    """A version in Redis."""

    version: int
    digest: str
    tick: int
    """The last tick it has learnt."""
    examples: int
    served: bool
    """Whether the learner's last tick named it."""
    shards: Sequence[str]
    """The shards that score with it now."""


class Standoff(Struct):
    """The champion against a rival, on labels that both have seen."""

    rival: str
    rounds: int
    examples: int
    loss_above: float | None
    """The champion's mean log loss less the rival's, nats."""
    p_champion_better: float
    """Anytime-valid p-value of "the champion is not better"; small: it is."""
    p_rival_better: float


class Contest(Struct):
    """The models that compete for a target."""

    champion: str
    served: str
    """The champion, or recency after it was proved to be better."""
    fallen_back: bool
    examples: int
    trials: Sequence[Standoff]
    own: int | None = None
    """Examples of this target, where the model also learns another's."""


class Overview(Struct):
    """Everything that the command shows."""

    newest: int
    served: int
    """The version named by the learner's last tick; 0 if it has written none."""
    wanted: int | Literal["newest"]
    tick: int
    """The last tick that was learnt."""
    versions: Sequence[Kept]
    more: int
    """Older versions that are not shown."""
    targets: Mapping[str, Contest]


class Wanted(Struct):
    """The wish as the learner will follow it."""

    wanted: int | Literal["newest"]
    newest: int
    from_tick: int
    """The first tick that can follow it."""


async def read_checkpoint(store: Store, settings: Settings) -> tuple[Fence, Checkpoint]:
    """The learner's fence and checkpoint; raises :class:`NoLearner` if there is none to read."""
    [checkpoint] = await store.read_checkpoints([LEARNER])
    if checkpoint.record is None or checkpoint.fence is None:
        raise NoLearner(f"no learner has run in namespace {settings.namespace!r} yet")
    try:
        return checkpoint.fence, decode_learner_checkpoint(checkpoint.record)
    except msgspec.ValidationError as exc:
        raise NoLearner(
            f"another build wrote the learner's record ({exc}): start the learner of this one"
        ) from exc


async def read_shards(store: Store, settings: Settings) -> list[ShardCheckpoint]:
    """The checkpoint of every shard."""
    names = shard_names(settings.kafka.partitions)
    return [decode_checkpoint(found.record) for found in await store.read_checkpoints(names)]


async def model_overview(store: Store, settings: Settings, limit: int) -> Overview:
    """The newest ``limit`` versions and those in use, and the evidence for the rivals.

    Raises
    ------
    NoLearner
        If there is no record of the learner to read.
    """
    _, checkpoint = await read_checkpoint(store, settings)
    return await overview_of(store, settings, checkpoint, limit)


async def overview_of(
    store: Store, settings: Settings, checkpoint: Checkpoint, limit: int
) -> Overview:
    """The same for a checkpoint that has been read."""
    versions = await _kept(store, checkpoint, await read_shards(store, settings))
    wish = await wanted(store)
    # A version in use is shown however old it is.
    old = [each for each in versions[:-limit] if each.served or each.shards]
    return Overview(
        newest=checkpoint.knowledge.version,
        served=checkpoint.served,
        wanted=NEWEST if wish.serve is None else wish.serve,
        tick=checkpoint.knowledge.tick,
        versions=[*old, *versions[-limit:]],
        more=len(versions[:-limit]) - len(old),
        targets={name: contest_of(learnt) for name, learnt in checkpoint.knowledge.targets.items()},
    )


async def _kept(
    store: Store, checkpoint: Checkpoint, shards: Sequence[ShardCheckpoint]
) -> list[Kept]:
    numbers = checkpoint.versions()
    [found] = await store.load([Read(LEARNER, [about_id(number) for number in numbers])])
    abouts = {
        number: msgspec.json.decode(data, type=About)
        for number, data in zip(numbers, found, strict=True)
        if data is not None
    }
    return [
        Kept(
            number,
            about.digest,
            about.tick,
            about.examples,
            number == checkpoint.served,
            [
                shard_name(place)
                for place, shard in enumerate(shards)
                if _active_version(shard) == number
            ],
        )
        for number, about in abouts.items()
    ]


def _active_version(shard: ShardCheckpoint) -> int | None:
    return None if shard.active_config is None else shard.active_config.model_version


def contest_of(learnt: Learnt) -> Contest:
    """The champion of a target and its rivals."""
    trials = [_standoff("recency", learnt.fallback)]
    if learnt.challenger_name is not None and learnt.trial is not None:
        trials = [_standoff(learnt.challenger_name, learnt.trial), *trials]
    return Contest(
        champion=learnt.name,
        served="recency" if learnt.fallen_back else learnt.name,
        fallen_back=learnt.fallen_back,
        examples=learnt.model.examples,
        trials=trials,
        own=None if learnt.model.own is None else learnt.model.own.examples,
    )


def _standoff(rival: str, trial: Trial) -> Standoff:
    found = trial.evidence()
    return Standoff(
        rival, found.rounds, found.examples, found.difference, found.p_first, found.p_second
    )


async def serve_version(store: Store, settings: Settings, version: int | None) -> Wanted:
    """Ask the learner to name this version from its next tick on; None: always the newest.

    Raises
    ------
    NoLearner
        If there is no record of the learner to read.
    CannotServe
        With the reason in a sentence.
    """
    _, checkpoint = await read_checkpoint(store, settings)
    if version is not None:
        trouble = await trouble_with(store, checkpoint, version)
        if trouble is not None:
            raise CannotServe(trouble)
    await want(store, msgspec.structs.replace(await wanted(store), serve=version))
    named = NEWEST if version is None else version
    return Wanted(named, checkpoint.knowledge.version, checkpoint.newest_tick + 1)
