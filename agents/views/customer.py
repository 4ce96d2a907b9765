"""One customer as the store has them: state, risk with its reasons, and why nothing is emitted."""

from collections.abc import Sequence
from typing import NamedTuple

from touchstream.agents.active_config import ServingContexts
from touchstream.agents.fatal import Refusal
from touchstream.agents.stores.base import Read, Store
from touchstream.schemas.shards import shard_name
from touchstream.streams.checkpoint import ShardCheckpoint, decode_checkpoint
from touchstream.streams.context import ServingContext
from touchstream.streams.explain import explain
from touchstream.streams.explanation import Explanation
from touchstream.streams.gates import Silence, silences
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.learn.snapshot import CHURN, RETURN
from touchstream.streams.projections.read import relation_of
from touchstream.streams.state import State, decode


class CustomerView(NamedTuple):
    """A customer with a state."""

    customer: str
    shard: str
    state: State
    checkpoint: ShardCheckpoint
    """Tick and version tell from when the state is."""
    explanation: Explanation | None
    """Of the risk of churn, or for a former customer of their return; None without a model."""
    held_by: Sequence[Silence]
    """What keeps their risk from being emitted."""


class CustomerReader:
    """Reads customers, and keeps the models that it needs for the next one."""

    def __init__(self, store: Store, partitions: int) -> None:
        self._store = store
        self._partitions = partitions
        self._contexts = ServingContexts(store)

    def shard_of(self, customer: str) -> str:
        """The shard that would hold the customer."""
        return shard_name(partition_of(customer.encode(), self._partitions))

    async def read(self, customer: str) -> CustomerView | None:
        """The customer; None if the shard has no state of them."""
        shard = self.shard_of(customer)
        [found] = await self._store.read_checkpoints([shard])
        [[data]] = await self._store.load([Read(shard, [customer])])
        if data is None:
            return None
        state, checkpoint = decode(data), decode_checkpoint(found.record)
        serving = await self._serving(checkpoint)
        return CustomerView(
            customer,
            shard,
            state,
            checkpoint,
            None if serving is None else _explained(state, serving),
            () if serving is None else silences(customer, state, serving),
        )

    async def _serving(self, checkpoint: ShardCheckpoint) -> ServingContext | None:
        try:
            return await self._contexts.load(checkpoint)
        except Refusal:  # the state can be shown without the models
            return None


def _explained(state: State, serving: ServingContext) -> Explanation | None:
    relation = relation_of(state)
    # Who has left has no risk of leaving, but perhaps one of coming back.
    gone = relation is not None and relation.is_over
    return explain(state, serving, RETURN if gone else CHURN)
