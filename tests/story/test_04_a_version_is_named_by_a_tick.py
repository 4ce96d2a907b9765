"""Chapter 4. What was learnt becomes a version, and is in force from the next tick on."""

from tests.make import days
from tests.story.town import Town, town_on
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.learner import version_of
from touchstream.streams.learn.scorer import Scorer
from touchstream.streams.learn.snapshot import seal, unseal


def test_the_first_version_is_published_by_the_tick_that_brought_the_first_labels() -> None:
    assert (_published(29), _published(30)) == ((0, 0), (1, 2))


def test_a_version_is_in_force_only_once_a_tick_has_named_it() -> None:
    town = town_on(30)
    assert town.stream.knowledge.version == 1
    assert _in_force(town) == 0
    town.live_until(31)
    assert _in_force(town) == 1


def test_a_version_is_data_and_reads_back_as_it_was() -> None:
    version = version_of(town_on(126).stream.knowledge)
    assert unseal(seal(version)) == version


def test_long_silence_is_what_it_learnt_to_fear() -> None:
    mira = town_on(90).state("mira")
    assert mira is not None
    assert mira.profile is not None
    values = FEATURES.unpack(FEATURES.vector(mira.profile, days(84)))
    scorer = Scorer(town_on(126).stream.knowledge.churn.model)
    added = dict(zip(FEATURES.names, scorer.contributions(values, days(84)), strict=True))
    assert max(added, key=lambda name: added[name]) == "silence_days"


def test_it_is_judged_only_by_what_it_said_before_the_label_was_known() -> None:
    knowledge = town_on(126).stream.knowledge.churn
    examples = [one for one in town_on(126).stream.examples if one.target == "churn"]
    judged = sum(one.model_version > 0 for one in examples)
    assert knowledge.model_tally.n == judged
    assert knowledge.recency_tally.n == judged
    assert knowledge.base_rate_tally.n == judged


def _published(day: int) -> tuple[int, int]:
    """(Newest version, labels learnt from)."""
    knowledge = town_on(day).stream.knowledge
    return knowledge.version, knowledge.churn.model.examples


def _in_force(town: Town) -> int:
    active_config = town.stream.shards[0].checkpoint.active_config
    assert active_config is not None
    return active_config.model_version
