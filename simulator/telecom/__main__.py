"""``python -m touchstream.simulator.telecom calm --out FOLDER``: a telecom, its rules, its truth.

Writes into the folder

- ``events.jsonl``: the touchpoints in order of arrival, for ``touchstream replay``;
- ``touchstream.toml``: the rules that suit them;
- ``fates.jsonl``: a line for each customer: segment, arrival, end (when, how, why);
- ``risks.jsonl``: a line for each customer and day: the true risk, and the active cause.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from touchstream.schemas.units import DAY_MS
from touchstream.simulator.__main__ import HORIZON_DAYS, json_line
from touchstream.simulator.noise import SILENCE, Noise
from touchstream.simulator.telecom import OPERATORS, Telecom

RULES = f"""# The telecoms follow the default definition of churn: a cancellation, or silence.
[churn]
horizon_days = {HORIZON_DAYS}
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the four files; 2 for bad usage."""
    parser = argparse.ArgumentParser(
        prog="python -m touchstream.simulator.telecom",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("telecom", choices=list(OPERATORS))
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--noise", action="store_true", help="late, repeated and broken events")
    parser.add_argument(
        "--risks-every", type=int, default=1, metavar="DAYS", help="of risks.jsonl (default: 1)"
    )
    chosen = parser.parse_args(arguments)
    if chosen.risks_every < 1 or chosen.seed < 0:
        parser.error("want --risks-every >= 1 and --seed >= 0")
    noise = Noise() if chosen.noise else SILENCE
    telecom = Telecom(chosen.seed, OPERATORS[chosen.telecom], noise)
    try:
        chosen.out.mkdir(parents=True, exist_ok=True)
        _write(telecom, chosen.out, chosen.risks_every)
    except OSError as wrong:
        parser.error(f"--out {chosen.out}: {wrong.strerror}")
    return 0


def _write(telecom: Telecom, folder: Path, every_days: int) -> None:
    (folder / "touchstream.toml").write_text(RULES)
    with (folder / "events.jsonl").open("wb") as events, (folder / "risks.jsonl").open("wb") as out:
        for day in telecom.days():
            events.writelines(line.to_bytes() + b"\n" for line in day.lines)
            if (day.number + 1) % every_days == 0:
                midnight_ms = day.start_ms + DAY_MS
                out.writelines(map(json_line, telecom.truths(midnight_ms, HORIZON_DAYS)))
    (folder / "fates.jsonl").write_bytes(b"".join(map(json_line, telecom.fates())))


if __name__ == "__main__":
    sys.exit(main())
