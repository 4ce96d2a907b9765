"""The table, its verdict, and the record it is compared with."""

from pathlib import Path

import orjson
import pytest

from bench.datasets.folder import FOLDER_VARIABLE, data_folder
from bench.quality import tolerances
from bench.quality.__main__ import main, own_cases
from bench.quality.cases import Case, cases, cdnow, day, world
from bench.quality.conclusion import conclusion
from bench.quality.measures import Measures
from bench.quality.models import NAMES, OBSERVER, OURS, PAIR, QUICK, RECENCY, Judged
from bench.quality.open_rows import Group
from bench.quality.run import NothingToJudge, asked, run
from bench.quality.tolerances import Wanted, misses, updated
from tests.bench.test_quality_rows import order
from touchstream.agents.settings import Settings
from touchstream.schemas.rules import ChurnRules, Rules, TargetRules
from touchstream.streams.decide.capacity import Warned

PAIR_SAID = Measures(
    100, 0.9, auc=0.8, ap_label_0=0.3, ap_label_1=0.98, log_loss=0.2, brier=0.1, ece=0.03
)


def judged(**changed: float | None) -> list[Judged]:
    ours = PAIR_SAID._replace(ece=0.01)._replace(**changed)  # type: ignore[arg-type]
    return [Judged(OURS, ours, 1.0), Judged(PAIR, PAIR_SAID, 1.0)]


def test_ids_are_permanent() -> None:
    assert [case.id for case in cases()] == [
        "cdnow-sample/28d",
        "cdnow-sample/91d",
        "bank-calls/repeat-24h",
        "world-300x180/28d",
        "telecom-hot/28d",
        "telecom-calm/28d",
        "cdnow-master/28d",
        "cdnow-master/91d",
    ]


def test_as_good_as_the_pair_less_what_is_given_away_is_met() -> None:
    assert [bound.met for bound in conclusion(judged(auc=0.797001))] == [True] * 4


@pytest.mark.parametrize(
    ("measure", "value"),
    [("auc", 0.7969), ("ap_label_0", 0.2969), ("ap_label_1", 0.97), ("ece", 0.03)],
)
def test_less_than_that_is_not_met(measure: str, value: float) -> None:
    bounds = conclusion(judged(**{measure: value}))
    assert [bound.measure for bound in bounds if not bound.met] == [measure]


def test_a_measure_that_is_not_defined_is_not_met() -> None:
    assert [bound.met for bound in conclusion(judged(auc=None, ece=None))] == [
        False,
        True,
        True,
        False,
    ]


def test_without_the_pair_there_is_no_verdict() -> None:
    assert conclusion(judged()[:1]) == []


def test_what_is_promised_holds_whatever_the_pair_reaches() -> None:
    bounds = conclusion(judged(auc=0.83), least_auc=0.834)
    assert str(bounds[-1]) == "auc 0.8300 >= 0.8340: NOT met"


def test_a_bound_is_told_in_a_phrase() -> None:
    output = [str(bound) for bound in conclusion(judged(auc=0.7))]
    assert output[0] == "auc 0.7000 >= 0.7970: NOT met"
    assert output[3] == "ece 0.0100 <= 0.0200: met"


ALARMS = Warned(100, 0.5, 14.0, 300, 2.0, 0.3)


def with_alarms(model: str, warned: float, group_ece: float = 0.01, **changed: float) -> Judged:
    measures = PAIR_SAID._replace(ece=0.01)._replace(**changed)  # type: ignore[arg-type]
    groups = (Group("all", 900, 0.005, 0.01), Group("new", 100, group_ece, 0.05))
    return Judged(model, measures, 1.0, groups, ALARMS._replace(warned=warned))


def missed(*measured: Judged) -> list[str]:
    return [bound.measure for bound in conclusion(measured) if not bound.met]


def test_every_group_must_be_calibrated_and_as_many_warned_as_by_the_pair() -> None:
    pair = with_alarms(PAIR, 0.5)
    assert missed(with_alarms(OURS, 0.5), pair) == []
    assert missed(with_alarms(OURS, 0.49), pair) == ["warned"]
    assert missed(with_alarms(OURS, 0.5, group_ece=0.021), pair) == ["worst_group_ece"]


def test_where_the_best_is_known_nearly_all_of_its_way_is_wanted() -> None:
    rest = [with_alarms(PAIR, 0.4), with_alarms(RECENCY, 0.3)]
    best = with_alarms(OBSERVER, 0.6, auc=0.84, log_loss=0.1)
    ours = with_alarms(OURS, 0.46, auc=0.823, log_loss=0.11)
    assert missed(ours, best, *rest) == []
    worse = with_alarms(OURS, 0.44, auc=0.822, log_loss=0.112)
    assert missed(worse, best, *rest) == [
        "auc_of_observer",
        "log_loss_of_observer",
        "warned_of_recency",
    ]


def test_only_a_calibration_error_is_bound_from_above() -> None:
    ours = with_alarms(OURS, 0.46, auc=0.823, log_loss=0.11)
    rest = [with_alarms(PAIR, 0.4), with_alarms(RECENCY, 0.3), with_alarms(OBSERVER, 0.6)]
    above = [bound.measure for bound in conclusion([ours, *rest]) if "<=" in str(bound)]
    assert above == ["ece", "worst_group_ece"]


def test_ids_and_their_beginnings_choose_cases_and_models() -> None:
    chosen = asked(cases(), ["cdnow-sample/28d", "bank-calls/repeat-24h/recency"])
    assert [(case.id, models) for case, models in chosen] == [
        ("cdnow-sample/28d", list(NAMES)),
        ("bank-calls/repeat-24h", ["recency"]),
    ]


RECORD = {"a/28d/m": {"auc": Wanted(0.8, 0.003), "ece": Wanted(None, 0.0)}}


def test_within_the_tolerance_nothing_is_missed() -> None:
    found = PAIR_SAID._replace(auc=0.797, ece=None)
    assert misses({"a/28d/m": found._asdict()}, RECORD) == []


@pytest.mark.parametrize("auc", [0.796, 0.804, None])
def test_off_the_record_either_way_is_named(auc: float | None) -> None:
    found = PAIR_SAID._replace(auc=auc, ece=None)
    assert misses({"a/28d/m": found._asdict()}, RECORD) == [
        f"a/28d/m: auc {auc}, want 0.8 +- 0.003"
    ]


def test_what_is_not_on_record_is_named() -> None:
    assert misses({"b/28d/m": PAIR_SAID._asdict()}, RECORD) == [
        "b/28d/m: not on record; --update writes it"
    ]


def test_an_update_keeps_other_ids_and_tolerances_set_by_hand(tmp_path: Path) -> None:
    record = {**RECORD, "other": {"n": Wanted(1, 0)}}
    found = PAIR_SAID._replace(auc=0.7123456)
    file = tmp_path / "tolerances" / "quality.json"
    tolerances.save(updated({"a/28d/m": found._asdict()}, record), file)
    after = tolerances.load(file)
    assert after["other"] == record["other"]
    assert after["a/28d/m"]["auc"] == Wanted(0.71235, 0.003)
    assert after["a/28d/m"]["ece"] == Wanted(0.03, 0.0)
    assert after["a/28d/m"]["n"] == Wanted(100, 0)
    assert misses({"a/28d/m": found._asdict()}, after) == []


@pytest.fixture
def own(tmp_path: Path) -> list[str]:
    """A shop in which ada comes every third day and the others came once."""
    days = [f"2026-{month:02}-{day:02}" for month in range(1, 7) for day in range(1, 28, 3)]
    lines = [order(f"once-{number}", days[0]) for number in range(20)]
    lines += [order("ada", day) for day in days]
    (tmp_path / "shop.jsonl").write_bytes(b"\n".join(lines) + b"\n\n")
    (tmp_path / "shop.toml").write_text(
        '[churn]\nactivity = ["order.placed"]\nhorizon_days = 7\n', encoding="utf-8"
    )
    return ["--events", str(tmp_path / "shop.jsonl"), "--config", str(tmp_path / "shop.toml")]


def test_events_of_ones_own_are_judged_under_the_files_name(
    own: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*own, "--from", "2026-04-01", "--json"]) == 0
    output = [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["id"] for row in output] == [
        *(f"shop/7d/{name}/open" for name in NAMES),
        *(f"shop/7d/{name}" for name in NAMES),
        "shop/7d",
    ]
    by_id = {row["id"]: row for row in output}
    assert by_id["shop/7d/recency"]["auc"] == 1.0
    bounds = by_id["shop/7d"]["verdict"]
    assert [bound["measure"] for bound in bounds] == [
        "auc",
        "ap_label_0",
        "ap_label_1",
        "ece",
        "worst_group_ece",
        "warned",
    ]


def test_customers_who_are_gone_count_in_the_table_of_all_rows_alone(
    own: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*own, "--from", "2026-04-01", "--json"]) == 0
    by_id = {row["id"]: row for row in map(orjson.loads, capsys.readouterr().out.splitlines())}
    of_open, of_all = by_id["shop/7d/touchstream/open"], by_id["shop/7d/touchstream"]
    # Ada alone still comes; the twenty others came once, in January.
    assert of_all["n"] > 20 * of_open["n"] > 0
    assert of_open["base_rate"] == 0.0
    assert of_open["leavers"] == 0


def test_every_target_of_the_settings_is_a_case_of_its_own() -> None:
    again = TargetRules(name="again", after=("order.placed",), events=("order.placed",))
    rules = Rules(churn=ChurnRules(horizon_days=14), targets=(again,))
    found = own_cases(Path("shop.2026.jsonl.gz"), rules, None)
    assert [(case.id, case.target, case.horizon_days) for case in found] == [
        ("shop/14d", "churn", 14.0),
        ("shop/again", "again", 1.0),
    ]


def test_a_model_alone_can_be_asked_for(own: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*own, "--only", "shop/7d/recency"]) == 0
    printed = capsys.readouterr().out
    assert "shop/7d/recency" in printed
    assert OURS not in printed


def test_a_day_after_the_last_label_is_bad_usage(
    own: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*own, "--from", "2027-01-01"]) == 2
    assert "no row from --from on" in capsys.readouterr().err


def test_an_id_that_is_none_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--only", "cdnow-simple"])
    assert "cdnow-sample/28d" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_bad_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--events", str(tmp_path / "none.jsonl")]) == 2
    assert "none.jsonl" in capsys.readouterr().err


def test_missing_data_is_bad_usage(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    assert main(["--only", "cdnow-sample/28d"]) == 2
    assert FOLDER_VARIABLE in capsys.readouterr().err


def test_a_case_off_the_record_fails_the_check(
    own: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(tolerances, "FILE", tmp_path / "quality.json")
    command = [*own, "--only", "shop/7d/recency"]
    assert main([*command, "--check"]) == 1
    assert "shop/7d/recency: not on record" in capsys.readouterr().err
    assert main([*command, "--update"]) == 0
    assert main([*command, "--check"]) == 0


def test_a_horizon_longer_than_the_history_leaves_nothing_to_judge() -> None:
    case = Case("short/91d", Rules(churn=ChurnRules(horizon_days=91)), lambda: [b"{}"], None)
    with pytest.raises(NothingToJudge, match="short/91d"):
        run(case)


@pytest.mark.slow
@pytest.mark.timeout(400)  # a minute of CPU, on machines that have other work
@pytest.mark.parametrize(
    "case", [cdnow("sample", 28), world(customers=300, days=180)], ids=lambda case: case.id
)
def test_the_fast_cases_are_what_is_on_record(case: Case) -> None:
    if case.id.startswith("cdnow") and not (data_folder() / "cdnow").is_dir():
        pytest.skip(f"{data_folder() / 'cdnow'} is missing; set {FOLDER_VARIABLE}")
    found = {row: one.numbers() for row, one in run(case, QUICK).rows().items()}
    assert misses(found, tolerances.load(tolerances.FILE)) == []


def test_derived_adds_batch_training_on_the_columns_of_the_basis(own: list[str]) -> None:
    case, *_ = own_cases(Path(own[1]), Settings.load(Path(own[3])).rules, day("2026-04-01"))
    outcome = run(case, [OURS], derived=True)
    for shown in (outcome.open, outcome.judged):
        assert [one.model for one in shown] == [
            OURS,
            "derived-logistic",
            "derived-trees",
            "derived-pair",
        ]
