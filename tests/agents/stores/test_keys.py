import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from touchstream.agents.stores.keys import partitions_key, shard_keys, text_key, wish_key

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,30}", fullmatch=True)
subjects = st.text(st.characters(exclude_categories=["Cs"]))


@given(names, names, st.lists(subjects, max_size=5))
def test_all_keys_of_a_shard_lie_in_one_cluster_slot(
    namespace: str, shard: str, ids: list[str]
) -> None:
    keys = shard_keys(namespace, shard)
    all_keys = [keys.fence, keys.record, keys.timers, keys.outbox, *map(keys.state, ids)]
    assert len({key_slot(key) for key in all_keys}) == 1


@given(names, names, st.tuples(subjects, subjects))
def test_an_id_comes_back_from_its_key_and_is_alone_in_it(
    namespace: str, shard: str, ids: tuple[str, str]
) -> None:
    keys = shard_keys(namespace, shard)
    first, second = map(keys.state, ids)
    assert (keys.subject(first), keys.subject(second)) == ids
    assert (first == second) == (ids[0] == ids[1])


def test_keys_are_what_operators_look_for() -> None:
    assert shard_keys("touchstream", "p0") == (
        b"{touchstream:p0}:fence",
        b"{touchstream:p0}:record",
        b"{touchstream:p0}:due",
        b"{touchstream:p0}:outbox",
        b"{touchstream:p0}:s:",
        b"{touchstream:p0}:m:",
        b"{touchstream:p0}:i:",
    )
    assert text_key("touchstream", "0123abcd") == b"{touchstream:texts}:0123abcd"
    assert partitions_key("touchstream") == b"{touchstream:meta}:partitions"
    assert wish_key("touchstream") == b"{touchstream:meta}:wish"


@pytest.mark.parametrize("name", ["", "a}b", "{a", "a*", "a b", "-a", "x" * 129, "p0\n"])
def test_a_name_that_would_leave_its_slot_or_match_others_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="names no namespace or shard"):
        shard_keys("touchstream", name)
    with pytest.raises(ValueError, match="names no namespace or shard"):
        partitions_key(name)
