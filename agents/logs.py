"""Log lines: a fixed event name with fields, one line each, on standard error.

Ours come through structlog (``structlog.get_logger().info("batch_committed", shard="p3")``);
those of Faust, mode and aiokafka come through the standard library, in the same format.
"""

import logging
import logging.config
import sys
import time
from collections.abc import Callable, MutableMapping
from typing import Any, Literal, NamedTuple

import orjson
import structlog

Format = Literal["json", "console", "auto"]

PERSONAL_FIELDS = frozenset({"answers", "attributes", "body", "data", "email", "text", "value"})
"""Fields that may hold personal data; their content never reaches a log line."""
LEFT_OUT = "[left out]"
REPEAT_EVERY_S = 30.0
"""A broker that refuses connections for 40 s makes aiokafka log 4,700 warnings."""
TELLTALE_LOGGERS = ("apprise",)
"""Libraries that log what they send and where; nothing of theirs is logged, at any level."""
UNTIRING_LOGGERS = ("aiokafka", "kafka")


class _Silence(NamedTuple):
    """A message whose repetitions are suppressed."""

    until_s: float
    held_back: int


class RepeatFilter(logging.Filter):
    """Passes a repeated warning of a Kafka client once in ``every_s``, with a count of the rest."""

    def __init__(
        self, every_s: float = REPEAT_EVERY_S, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._every_s = every_s
        self._now_s = now_s
        self._silences: dict[tuple[str, str], _Silence] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING or not record.name.startswith(UNTIRING_LOGGERS):
            return True
        # The template without its arguments: a warning about another broker is a repetition too.
        template = (record.name, str(record.msg))
        silence = self._silences.get(template, _Silence(0.0, 0))
        if self._now_s() < silence.until_s:
            self._silences[template] = silence._replace(held_back=silence.held_back + 1)
            return False
        self._silences[template] = _Silence(self._now_s() + self._every_s, 0)
        if silence.held_back:
            record.msg = f"{record.getMessage()} (and {silence.held_back} more like it)"
            record.args = ()
        return True


def configure(chosen: Format, level: str) -> None:
    """Set up structlog and the standard library for this process."""
    logging.config.dictConfig(standard_config(chosen, level))
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def standard_config(chosen: Format, level: str) -> dict[str, Any]:
    """Return the ``logging.config`` dictionary.

    Faust configures logging again when its worker starts; given this one as its
    ``logging_config`` it leaves everything as it is.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "touchstream": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _shared(),
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *_rendering(chosen),
                ],
            }
        },
        "filters": {"repeats": {"()": RepeatFilter}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stderr",
                "formatter": "touchstream",
                "filters": ["repeats"],
            }
        },
        "root": {"handlers": ["stderr"], "level": level.upper()},
        "loggers": {name: {"level": own} for name, own in _chatter(level).items()},
    }


def _chatter(level: str) -> dict[str, str]:
    """Levels of the libraries: their routine lines matter only when debugging them."""
    silent = dict.fromkeys(TELLTALE_LOGGERS, "CRITICAL")
    if level == "debug":
        return silent
    quiet = "ERROR" if level == "error" else "WARNING"
    libraries = ("faust", "mode", "aiokafka", "kafka", "abc")  # Faust's consumer logs as "abc"
    # The timer of the parked shards runs late whenever a batch takes longer; that is harmless.
    return {**silent, **dict.fromkeys(libraries, quiet), "mode.timers": "ERROR"}


def leave_out_personal(
    _logger: Any,  # noqa: ANN401 structlog's own signature
    _method: str,
    fields: MutableMapping[str, Any],
) -> MutableMapping[str, Any]:
    """Blank the fields that could carry personal data; a structlog processor."""
    for name in PERSONAL_FIELDS & fields.keys():
        fields[name] = LEFT_OUT
    return fields


def _shared() -> list[structlog.typing.Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        leave_out_personal,
    ]


def _rendering(chosen: Format) -> list[structlog.typing.Processor]:
    # Tracebacks without local variables: those hold customers' events.
    if chosen == "console" or (chosen == "auto" and sys.stderr.isatty()):
        plain = structlog.dev.plain_traceback
        colours = sys.stderr.isatty()
        return [structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=plain)]
    frames = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return [
        structlog.processors.ExceptionRenderer(frames),
        structlog.processors.JSONRenderer(_json_line),
    ]


def _json_line(fields: object, **_: object) -> str:
    return orjson.dumps(fields, default=repr).decode()
