"""Support and reps: tickets, replies, resolutions, surveys, and feedback on alerts."""

from collections import defaultdict

import numpy as np

from touchstream.simulator import words
from touchstream.simulator.event_log import CURRENCY, hours
from touchstream.simulator.today import Today

REPLY_SHARE = 0.25
"""Per open ticket and day; half of the replies are the customer's."""
REOPENED_SHARE = 0.08
SATISFACTION_SHARE = 0.5
EFFORT_SHARE = 0.2
LOYALTY_PER_DAY = 1 / 120
PROFILE_PER_DAY = 1 / 400
ANSWER_SHARE = 0.45
ANSWER_HOURS = (1.0, 60.0)
FEEDBACK_PER_DAY = 0.01
PLEASED = 0.5
TROUBLED_TICKETS = 1
SCALE = {"csat": 5, "nps": 10, "ces": 7, "profile": 1}


class RetentionTeam:
    """The tickets that are open, by customer, oldest first."""

    def __init__(self) -> None:
        self._open: defaultdict[int, list[str]] = defaultdict(list)

    def write(self, today: Today) -> None:
        """Write down today's tickets, replies, surveys and feedback."""
        self._resolve(today)
        self._reply(today)
        self._file(today)
        for index in today.some(LOYALTY_PER_DAY).tolist():
            _ask(today, index, "nps", hours(9))
        for index in today.some(PROFILE_PER_DAY).tolist():
            _ask(today, index, "profile", hours(9))
        troubled = (today.latent.open_tickets >= TROUBLED_TICKETS) * FEEDBACK_PER_DAY
        for index in today.some(troubled).tolist():
            _answer_alert(today, index)

    def close_all(self, index: int) -> list[str]:
        """Take all open tickets of a customer away and return their numbers."""
        return self._open.pop(index, [])

    def _resolve(self, today: Today) -> None:
        resolved = np.flatnonzero(today.happenings.ticket_resolved)
        for index, moment in zip(resolved.tolist(), today.moments(resolved).tolist(), strict=True):
            name, ticket = today.names[index], self._open[index].pop(0)
            cost = {"ticket": ticket, "cost_minor": 900, "currency": CURRENCY}
            today.event_log.note("ticket.resolved", name, moment, cost)
            if today.rng.random() < REOPENED_SHARE:
                # A slip, set right within the hour: the count of open tickets stays the law's.
                today.event_log.note("ticket.reopened", name, moment + 1, {"ticket": ticket})
                today.event_log.note("ticket.resolved", name, moment + hours(1), cost)
            if today.rng.random() < SATISFACTION_SHARE:
                _ask(today, index, "csat", moment + hours(2))
            elif today.rng.random() < EFFORT_SHARE:
                _ask(today, index, "ces", moment + hours(2))

    def _reply(self, today: Today) -> None:
        for index in today.some((today.latent.open_tickets > 0) * REPLY_SHARE).tolist():
            if not self._open[index]:
                continue  # Its first ticket comes later today.
            by = ("customer", "agent")[int(today.rng.integers(2))]
            reply = {"ticket": self._open[index][-1], "by": by}
            offset_ms = hours(today.rng.uniform(8.0, 20.0))
            today.event_log.note("ticket.replied", today.names[index], offset_ms, reply)

    def _file(self, today: Today) -> None:
        rng = today.rng
        opened = np.flatnonzero(today.happenings.ticket_opened)
        for index, moment in zip(opened.tolist(), today.moments(opened).tolist(), strict=True):
            ticket = f"t{today.event_log.number()}"
            self._open[index].append(ticket)
            topic = words.TOPICS[int(rng.choice(len(words.TOPICS), p=words.TOPIC_WEIGHTS))]
            language = words.LANGUAGES[index % len(words.LANGUAGES)]
            data = {
                "ticket": ticket,
                "topic": topic,
                "priority": words.PRIORITIES[int(rng.integers(len(words.PRIORITIES)))],
                "channel": words.TICKET_CHANNELS[int(rng.integers(len(words.TICKET_CHANNELS)))],
                "text": words.COMPLAINTS[language][topic],
                "language": language,
            }
            today.event_log.note("ticket.opened", today.names[index], moment, data)


def _ask(today: Today, index: int, kind: str, offset_ms: int) -> None:
    name, rng = today.names[index], today.rng
    survey = {"survey": f"{kind}-{today.day // 90}", "kind": kind}
    today.event_log.note("survey.sent", name, offset_ms, survey)
    if rng.random() > ANSWER_SHARE * today.latent.interest[index]:
        return
    best = SCALE[kind]
    answer: dict[str, object] = {**survey}
    if kind == "profile":
        answer["answers"] = {"household": int(rng.integers(1, 6)), "pets": bool(rng.integers(2))}
    else:
        mark = today.mood()[index] + rng.normal(0.0, 0.15)
        answer |= {"score": int(np.clip(np.rint(mark * best), 0, best)), "score_max": best}
        answer["text"] = words.PRAISE[0] if mark > PLEASED else words.GRUMBLES[1]
    answered_ms = offset_ms + hours(rng.uniform(*ANSWER_HOURS))
    today.event_log.note("survey.answered", name, answered_ms, answer)


def _answer_alert(today: Today, index: int) -> None:
    feedback = {
        "alert": f"earlier-{today.event_log.number()}",
        "verdict": words.VERDICTS[int(today.rng.integers(len(words.VERDICTS)))],
        "rep": words.OWNERS[index % len(words.OWNERS)],
    }
    offset_ms = hours(today.rng.uniform(9.0, 17.0))
    today.event_log.note("alert.feedback", today.names[index], offset_ms, feedback)
