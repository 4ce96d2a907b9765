"""The page of a replay: measures against scikit-learn, sentences, and the same bytes twice."""

from datetime import date
from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from touchstream.agents.report.calibration import checked_bins, effective_n
from touchstream.agents.report.findings import auc_error, cautions, conclusion, troubles
from touchstream.agents.report.folder import (
    Emitted,
    ModelSignal,
    Summary,
    UnknownField,
    read_emissions,
    read_summary,
)
from touchstream.agents.report.html import table
from touchstream.agents.report.measures import (
    Bin,
    Lift,
    Period,
    constant,
    lifts,
    measures,
    periods,
    ranking,
    reliability,
)
from touchstream.agents.report.page import page
from touchstream.agents.report.plots import reliability_plot
from touchstream.agents.report.scores import EPOCH, Foreign, Scores, read_scores, together
from touchstream.agents.report.words import words_for
from touchstream.streams.learn.progress import Measures

WORDS = words_for("churn")
SAID = st.tuples(st.sampled_from([0.1, 0.25, 0.5, 0.9]), st.integers(0, 1))
BOTH = st.lists(SAID, min_size=2, max_size=40).filter(lambda pairs: len({y for _, y in pairs}) > 1)
DAYS = ("2026-01-07", "2026-01-12")
ENDED = {
    "records": {"in": 12, "applied": 9, "dead": 2, "dropped": 1, "duplicate": 0},
    "dead_by_reason": {"not_json": 2},
    "dropped_by_reason": {"unknown_type": 1},
    "customers": 4,
    "ticks": 3,
    "models": None,
}


def scores(*pairs: tuple[float, int], day: str = "2026-01-05") -> Scores:
    """All of one day, all judged."""
    return spread((day, list(pairs)))


def spread(*days: tuple[str, list[tuple[float, int]]]) -> Scores:
    rows = [(*pair, date.fromisoformat(day)) for day, pairs in days for pair in pairs]
    return Scores(
        risk=np.array([risk for risk, _, _ in rows], np.float64),
        label=np.array([label for _, label, _ in rows], np.int64),
        day=np.array([(day - EPOCH).days for _, _, day in rows], np.int64),
        customer=np.arange(len(rows)),
        open=0,
        early=0,
    )


def measures_of(judged: Scores) -> Measures:
    return measures(judged.risk, judged.label, ranking(judged.risk, judged.label))


def summary(**more: object) -> Summary:
    return Summary(**{**ENDED, **more})  # type: ignore[arg-type]


def line(
    day: str, risk: float, label: int | None, version: int = 3, customer: str = "ada"
) -> bytes:
    time = f"{day}T00:00:00.000Z"
    row = {"customer": customer, "time": time, "risk": risk, "version": version, "label": label}
    return orjson.dumps(row) + b"\n"


def folder(path: Path, *lines: bytes, ended: dict[str, object] | None = None) -> Path:
    """A replay's output as it lies on disk."""
    path.mkdir(exist_ok=True)
    (path / "summary.json").write_bytes(orjson.dumps(ended or ENDED))
    (path / "scores.jsonl").write_bytes(b"".join(lines))
    for topic in ("churn-risk", "next-best-action", "customer-signals"):
        (path / f"{topic}.jsonl").touch()
    return path


@given(BOTH)
def test_measures_are_those_of_scikit_learn(pairs: list[tuple[float, int]]) -> None:
    judged = scores(*pairs)
    found = measures_of(judged)
    risk, label = judged.risk, judged.label
    assert found[:7] == pytest.approx(
        (
            len(pairs),
            label.mean(),
            log_loss(label, risk),
            brier_score_loss(label, risk),
            roc_auc_score(label, risk),
            average_precision_score(label, risk),
            average_precision_score(1 - label, 1 - risk),
        )
    )


def test_calibration_error_is_the_gap_of_scikit_learns_reliability_curve_weighted_by_n() -> None:
    chance = np.random.default_rng(2)
    risk = chance.uniform(0, 1, 2_000)
    label = (chance.random(2_000) < risk**2).astype(np.int64)
    became, pairs = calibration_curve(label, risk, n_bins=10)
    n_by_bin, _ = np.histogram(risk, bins=10, range=(0, 1))
    found = measures(risk, label, ranking(risk, label))
    assert found.ece == pytest.approx(np.abs(became - pairs) @ n_by_bin / 2_000)


def test_the_base_rate_said_of_everybody_has_its_entropy_as_log_loss() -> None:
    judged = scores((0.9, 1), (0.6, 0), (0.3, 0), (0.1, 0))
    found = constant(measures_of(judged))
    assert found == pytest.approx((4, 0.25, 0.562335, 0.1875, 0.5, 0.25, 0.75, 0.0), abs=1e-6)


def test_reliability_leaves_out_empty_bins_and_takes_certainty_into_the_last() -> None:
    assert reliability(np.array([0.0, 0.05, 1.0]), np.array([0, 1, 1])) == [
        Bin(2, 0.025, 0.5),
        Bin(1, 1.0, 1.0),
    ]


def test_a_tie_at_the_cut_counts_as_the_part_expected() -> None:
    judged = scores(*[(0.5, 1)] * 5, *[(0.5, 0)] * 5)
    [tenth] = [row for row in lifts(ranking(judged.risk, judged.label)) if row.share == 0.1]
    assert tenth == pytest.approx(Lift(0.1, 0.5, 1.0, 0.1))


def test_lift_is_precision_over_the_base_rate() -> None:
    judged = scores((0.9, 1), *[(0.2, 0)] * 8, (0.1, 1))
    [tenth] = [row for row in lifts(ranking(judged.risk, judged.label)) if row.share == 0.1]
    assert tenth == pytest.approx(Lift(0.1, 1.0, 5.0, 0.5))


def test_a_short_history_is_told_by_week_from_its_monday() -> None:
    week = [(0.9, 1)] * 10 + [(0.5, 0)] * 80 + [(0.1, 0)] * 5 + [(0.1, 1)] * 5
    judged = spread(("2026-01-07", week), ("2026-01-12", week[:99]))
    assert periods(judged) == [Period(date(2026, 1, 5), 100, 0.15, 1.0, 0.5)]


def test_a_long_history_is_told_by_month() -> None:
    month = [(0.9, 1)] * 50 + [(0.1, 0)] * 50
    judged = spread(("2026-01-31", month), ("2026-08-02", month))
    assert [row.start for row in periods(judged)] == [date(2026, 1, 1), date(2026, 8, 1)]


def test_what_no_model_foresaw_and_what_has_no_label_are_counted_apart(tmp_path: Path) -> None:
    (tmp_path / "scores.jsonl").write_bytes(
        line("2026-01-01", 0.5, 1, version=0)
        + line("2026-01-02", 0.25, 1)
        + line("2026-01-02", 0.75, None)
    )
    found = read_scores(tmp_path / "scores.jsonl")
    assert (found.risk.tolist(), found.label.tolist(), found.open, found.early) == (
        [0.25],
        [1],
        1,
        1,
    )


def test_what_was_said_before_the_first_day_is_not_counted_at_all(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    path.write_bytes(
        line("2026-01-01", 0.5, 0) + line("2026-01-01", 0.5, None) + line("2026-01-02", 0.25, 1)
    )
    found = read_scores(path, date(2026, 1, 2))
    assert (found.risk.tolist(), found.open) == ([0.25], 0)


@pytest.mark.parametrize(
    "bad",
    [
        b'{"id": 7}\n',
        b"no json\n",
        line("2026-01-02", 1.5, 1),
        line("2026-01-02", 0.5, 2),
        line("yesterday!", 0.5, 1),
        line("2026-01-02", 0.5, 1)[:-9],
    ],
)
def test_a_foreign_line_is_named_by_file_and_number(tmp_path: Path, bad: bytes) -> None:
    (tmp_path / "scores.jsonl").write_bytes(line("2026-01-02", 0.5, 1) + bad)
    with pytest.raises(Foreign, match=r"^scores\.jsonl:2: "):
        read_scores(tmp_path / "scores.jsonl")


def test_a_model_that_loses_to_silence_alone_says_so() -> None:
    models = {"churn": {"n": 10, "log_loss": 0.6}, "recency": {"log_loss": 0.6}}
    result = conclusion(models)
    assert result is not None
    assert not result.better
    assert result.sentence == (
        "The model does not beat the recency rule (silence alone): log loss 0.6000 against "
        "0.6000, over the 10 labels of open customers. Rank by silence until it does."
    )


def test_a_model_that_wins_says_by_how_much() -> None:
    result = conclusion(
        {
            "churn": {"n": 1_000, "log_loss": 0.25, "roc_auc": 0.8},
            "recency": {"log_loss": 0.5, "roc_auc": 0.75},
        }
    )
    assert result is not None
    assert result.better
    assert result.sentence == (
        "The model beats the recency rule (silence alone): log loss 0.2500 against 0.5000, "
        "ROC AUC 0.8000 against 0.7500, over the 1,000 labels of open customers."
    )


def cautioned(judged: Scores, **more: object) -> list[str]:
    found = measures_of(judged) if len(judged.risk) else None
    return cautions("churn", judged, found, summary(**more), WORDS)


def test_a_sound_model_needs_no_caution() -> None:
    sound = [(0.75, 1)] * 150 + [(0.75, 0)] * 50 + [(0.25, 0)] * 150 + [(0.25, 1)] * 50
    assert cautioned(scores(*sound)) == []


def test_few_labels_of_the_rarer_kind_are_told_with_what_they_mean() -> None:
    few = scores(*[(0.25, 1)] * 20, *[(0.25, 0)] * 60, *[(0.75, 1)] * 20, *[(0.75, 0)] * 60)
    few = few._replace(customer=np.where(few.label == 1, few.customer % 2, few.customer))
    assert cautioned(few)[0] == (
        "Few labels: only 40 of 160 scores, of 2 customers, left: ROC AUC 0.500 may be off by "
        "0.104 either way (95 %). Do not compare models by these measures; replay a longer history."
    )


def test_the_error_of_an_auc_is_that_of_hanley_and_mcneil() -> None:
    # Hanley & McNeil 1982, table I: .893 of 58 normal and 51 abnormal images, error .032.
    assert auc_error(0.893, 51, 58) == pytest.approx(0.032, abs=0.001)


def test_customers_who_are_gone_flatter_and_the_page_says_so() -> None:
    sound = scores(*[(0.75, 1)] * 150, *[(0.75, 0)] * 50, *[(0.25, 0)] * 150, *[(0.25, 1)] * 50)
    gone = scores(*[(0.01, 0)] * 1_000)._replace(customer=np.arange(1_000, 2_000))
    ours, everybody = measures_of(sound), measures_of(together(sound, gone))
    assert cautions("churn", sound, ours, summary(), WORDS, everybody) == [
        "Do not quote the ROC AUC of all customers, 0.958: it is made by 1,000 scores of customers "
        "who had left already, and they are easy to tell. Among customers who could still be kept "
        "it is 0.750."
    ]


def test_customers_who_are_gone_are_no_matter_where_they_change_little() -> None:
    sound = scores(*[(0.75, 1)] * 150, *[(0.75, 0)] * 50, *[(0.25, 0)] * 150, *[(0.25, 1)] * 50)
    ours = measures_of(sound)
    everybody = ours._replace(n=500, roc_auc=0.77)
    assert cautions("churn", sound, ours, summary(), WORDS, everybody) == []


def test_a_bin_off_by_more_than_chance_is_told_with_its_interval() -> None:
    right = [(0.25, 1)] * 100 + [(0.25, 0)] * 300
    wrong = [(0.55, 1)] * 36 + [(0.55, 0)] * 164
    assert cautioned(scores(*right, *wrong))[-1] == (
        "Off by more than chance: of 200 scores of 50 to 60 % (55.0 % on average), 18.0 % left. "
        "They count as 200, because customers recur: 99 % interval 12.1 to 26.0 %."
    )


def test_the_same_bin_of_two_customers_may_be_chance() -> None:
    right = [(0.25, 1)] * 100 + [(0.25, 0)] * 300
    wrong = [(0.55, 1)] * 36 + [(0.55, 0)] * 164
    judged = scores(*right, *wrong)
    customer = np.where(judged.risk == 0.55, 1_000 + judged.label, judged.customer)
    assert not any(
        "50 to 60" in sentence for sentence in cautioned(judged._replace(customer=customer))
    )


def test_a_bin_of_under_a_hundred_scores_is_not_judged() -> None:
    [few, many] = checked_bins(scores(*[(0.55, 0)] * 99, *[(0.95, 0)] * 100))
    assert (few.interval, few.is_off, many.is_off) == (None, False, True)


def test_scores_of_different_customers_count_in_full() -> None:
    label = np.array([0, 1] * 50)
    assert effective_n(np.full(100, 0.5), label, np.arange(100)) == 100.0


def test_one_label_alone_is_cautioned() -> None:
    assert cautioned(scores(*[(0.99, 1)] * 300)) == [
        "None of 300 stayed: no ranking can be evaluated."
    ]


def test_risks_far_from_what_comes_true_are_cautioned() -> None:
    far = [(0.9, 1)] * 120 + [(0.8, 0)] * 120
    assert cautioned(scores(*far))[0] == (
        "Predicted and observed rates differ by 45.0 points on average: read the risks as a "
        "ranking, not as probabilities."
    )


def test_an_order_no_better_than_chance_is_cautioned() -> None:
    assert cautioned(scores(*[(0.5, 1)] * 200, *[(0.5, 0)] * 200)) == [
        "The order is no better than chance: ROC AUC 0.500."
    ]


def test_a_fallen_model_is_cautioned() -> None:
    sound = [(0.75, 1)] * 150 + [(0.75, 0)] * 50 + [(0.25, 0)] * 150 + [(0.25, 1)] * 50
    assert cautioned(scores(*sound), served={"churn": "recency"}) == [
        "At the end the recency rule is served, not the model: it was proved to be better."
    ]


def test_a_history_shorter_than_the_horizon_says_what_to_do() -> None:
    assert cautioned(scores()._replace(open=34)) == [
        "No label has matured yet (34 scores wait for theirs): the history ends before horizon "
        "and grace are over. Replay a longer history."
    ]


def test_lost_records_are_told_with_their_reasons() -> None:
    assert troubles(summary()) == [
        "Dead letters: 2 of 12 records (2 not_json).",
        "Dropped: 1 of 12 records (1 unknown_type).",
    ]


def test_a_misspelt_type_is_told_with_its_count() -> None:
    sentence = "1 event of type order.place: did you mean order.placed?"
    assert troubles(summary(unknown_types=(sentence,)))[-1] == f"Dropped: {sentence}"


def test_misspelt_fields_and_outcomes_without_a_decision_are_told() -> None:
    found = summary(
        unknown_fields=[
            UnknownField("web.visit", "page_title", 9, None),
            UnknownField("web.visit", "referer", 1_200, "referrer"),
        ],
        outcome_faults={"unknown_decision": 3},
    )
    assert troubles(found)[2:] == [
        "web.visit: field referer is unknown (1,200 events); did you mean referrer?",
        "3 outcomes name a decision that their customer does not have.",
    ]


def test_wrong_clocks_and_full_memories_are_told() -> None:
    found = summary(odd_events={"late": 9, "clamped": 1_000, "memory_full": 144})
    assert troubles(found)[2:] == [
        "1,000 events are dated after they were received: a producer's clock is wrong.",
        "144 events made their customer's memory forget an older id, which would count again if "
        "it were sent again: raise intake.ids_per_customer.",
    ]


def test_reasons_of_earlier_builds_are_counted_by_their_texts(tmp_path: Path) -> None:
    folder(tmp_path)
    risk = {"horizon_days": 28, "band_before": None, "band": "high", "reasons": [{"text": "quiet"}]}
    line = {"subject": "ada", "time": "2026-01-01T00:00:00.000Z", "data": risk}
    (tmp_path / "churn-risk.jsonl").write_bytes(orjson.dumps(line) + b"\n")
    emitted = read_emissions(tmp_path)
    assert (emitted.weightiest, emitted.examples) == ({"quiet": 1}, {"quiet": "quiet"})


def test_emissions_are_counted_from_the_first_day_on(tmp_path: Path) -> None:
    risk = {
        "horizon_days": 28,
        "band_before": None,
        "band": "high",
        "reasons": [{"text": "silent for 9 days", "kind": "silence"}],
    }
    action = {"action": "call", "left_out": [{"action": "offer", "reason": "resting"}]}
    result = {"signal": "repeat", "before": None, "value": True}
    drift = {"signal": "drift.loss", "before": 0.25, "value": 0.5}
    emitted = {
        "churn-risk": ("ada", risk),
        "next-best-action": ("ada", action),
        "customer-signals": ("ada", result),
    }
    folder(tmp_path)
    for topic, (subject, data) in emitted.items():
        said = {"type": "customer.signal", "subject": subject, "data": data}
        lines = [
            orjson.dumps({**said, "time": f"{day}T00:00:00.000Z"})
            for day in ("2026-01-01", "2026-01-02")
        ]
        (tmp_path / f"{topic}.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    with (tmp_path / "customer-signals.jsonl").open("ab") as signals:
        about = {"subject": "touchstream.churn", "time": "2026-01-03T00:00:00.000Z", "data": drift}
        signals.write(orjson.dumps({"type": "customer.signal", **about}) + b"\n")
        dropped = {"type": "engagement.dropping", "subject": "bob", "data": {"index": 0.4}}
        signals.write(orjson.dumps({**dropped, "time": "2026-01-03T00:00:00.000Z"}))
    assert read_emissions(tmp_path, date(2026, 1, 2)) == Emitted(
        horizon_days=28,
        crossings={("", "high"): 1},  # type: ignore[arg-type]
        weightiest={"silence": 1},  # type: ignore[arg-type]
        examples={"silence": "silent for 9 days"},
        chosen={"call": 1},  # type: ignore[arg-type]
        left_out={("offer", "resting"): 1},  # type: ignore[arg-type]
        signals={"repeat": 1, "engagement.dropping": 1},  # type: ignore[arg-type]
        model_signals=[ModelSignal(date(2026, 1, 3), "churn", "drift.loss", "0.25", "0.5")],
    )


def test_a_replay_that_has_not_ended_is_foreign(tmp_path: Path) -> None:
    with pytest.raises(Foreign, match=r"^summary\.json: No such file"):
        read_summary(tmp_path)


def test_the_same_folder_gives_the_same_bytes(tmp_path: Path) -> None:
    rows = [line(DAYS[n % 2], (n % 10) / 10, int(n % 3 == 0)) for n in range(240)]
    written = folder(tmp_path, *rows)
    assert page(written) == page(written)


def test_the_page_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    text = page(folder(tmp_path, *[line(DAYS[n % 2], 0.5, n % 2) for n in range(240)]))
    assert text.count("<svg") == 4
    loads = [
        word for word in ("<script", "<link", "<img", "@import", "src=", "url(h") if word in text
    ]
    assert loads == []


def test_ids_in_the_page_are_distinct_where_something_refers_to_them(tmp_path: Path) -> None:
    ended = {**ENDED, "models": {"churn": {}, "renewal": {}, "recency": {}, "base_rate": {}}}
    rows = [line(DAYS[n % 2], 0.5, n % 2) for n in range(240)]
    written = folder(tmp_path, *rows, ended=ended)
    (written / "scores-renewal.jsonl").write_bytes(b"".join(rows))
    parts = page(written).split(' id="')[1:]
    found = [part.split('"')[0] for part in parts]
    assert len(found) == len(set(found))


def test_a_further_target_has_a_section_of_its_own(tmp_path: Path) -> None:
    ended = {**ENDED, "models": {"churn": {}, "renewal": {}, "recency": {}, "base_rate": {}}}
    written = folder(tmp_path, ended=ended)
    (written / "scores-renewal.jsonl").write_bytes(line("2026-01-07", 0.5, 1))
    assert "<h2>Renewal</h2>\n" in page(written)


def test_a_target_of_an_earlier_replay_into_the_same_folder_is_not_told(tmp_path: Path) -> None:
    written = folder(tmp_path)
    (written / "scores-renewal.jsonl").write_bytes(line("2026-01-07", 0.5, 1))
    assert "Renewal" not in page(written)


def test_a_replay_without_any_score_still_has_a_page(tmp_path: Path) -> None:
    assert '<p class="says warn">No customer was scored in this period.</p>' in page(
        folder(tmp_path)
    )


def test_treated_customers_are_told_beside_the_untreated(tmp_path: Path) -> None:
    groups = {
        "untreated": {"n": 1_000, "churned": 0.5, "mean_risk": 0.25},
        "treated": {"n": 10, "churned": 0.125, "mean_risk": None},
    }
    text = page(folder(tmp_path, ended={**ENDED, "treatment": groups}))
    cells = text.partition("<h2>Treated and untreated</h2>")[2].partition("<tbody>")[2]
    row = (
        '<tr><td class="text">untreated</td><td>1,000</td><td>25.0\xa0%</td><td>50.0\xa0%</td></tr>'
    )
    assert cells.startswith(row)


def test_what_the_learner_says_of_its_models_is_told(tmp_path: Path) -> None:
    written = folder(tmp_path, ended={**ENDED, "served": {"churn": "bayes"}})
    pairs = {"signal": "model.promoted", "before": "bayes", "value": "hedge"}
    event = {"subject": "touchstream.churn", "time": "2026-01-03T00:00:00.000Z", "data": pairs}
    (written / "customer-signals.jsonl").write_bytes(
        orjson.dumps({"type": "customer.signal", **event})
    )
    text = page(written)
    assert "<p>Serving at the end: churn: bayes.</p>" in text
    assert '<td class="text">bayes</td><td class="text">hedge</td></tr>' in text


def test_text_from_the_folder_is_never_markup(tmp_path: Path) -> None:
    ended = {**ENDED, "dead_by_reason": {"<script>": 1}, "served": {"churn": "<b>"}}
    text = page(folder(tmp_path / "a<i>b", ended=ended))
    assert [tag for tag in ("<script>", "<b>", "<i>") if tag in text] == []


def test_numbers_stand_on_the_right_and_texts_on_the_left() -> None:
    assert '<tr><td class="text">call &amp; ask</td><td>1,000</td></tr>' in table(
        "", ("action", "n"), [("call & ask", 1_000)]
    )


def test_colours_of_a_plot_are_left_to_the_page() -> None:
    svg = reliability_plot([Bin(7, 0.25, 0.5)], WORDS)
    assert "var(--ones)" in svg
    assert "#0" not in svg.replace('"#', "").replace("(#", "")


def test_each_point_of_the_reliability_plot_tells_its_n() -> None:
    assert ">1,234</text>" in reliability_plot([Bin(1_234, 0.25, 0.5)], WORDS)
