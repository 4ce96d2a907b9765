"""Apache Kafka on this machine without Docker: its jars, a Java, one node in KRaft mode.

    python -m bench.services.kafka [--port P] [--folder D] [--foreground]

The jars come through Maven once (``kafka-pom.xml``), into ``.cache/kafka`` or the folder that
TOUCHSTREAM_KAFKA_LIBS names. Measured with 4.1.1: 46 jars, 43 MB, up in about 5 s, about 580 MB
resident.
"""

import argparse
import os
import shutil
import signal
import socket
import struct
import subprocess
from pathlib import Path

from bench.services.ports import free_port
from bench.services.server import Server
from touchstream.agents.embedded.process import ServerError, ServerProcess

ROOT = Path(__file__).resolve().parents[2]
POM = Path(__file__).with_name("kafka-pom.xml")
LIBS_VARIABLE = "TOUCHSTREAM_KAFKA_LIBS"
DEFAULT_LIBS = ROOT / ".cache" / "kafka"
DEFAULT_FOLDER = ROOT / ".cache" / "kafka-data"
DEFAULT_PORT = 9092

START_TIMEOUT_S = 60.0
"""5 s on an idle machine; several times that on two busy cores."""

_SINGLE_NODE = (
    "offsets.topic.replication.factor",
    "transaction.state.log.replication.factor",
    "transaction.state.log.min.isr",
    "share.coordinator.state.topic.replication.factor",
    "share.coordinator.state.topic.min.isr",
)
"""Settings that want three brokers by default."""


class KafkaServer(Server):
    """One broker.

    Parameters
    ----------
    folder
        Folder of configuration, log and data; created if missing, reused if not.
    port
        Port for clients; by default a free one.
    libs
        The folder of jars; by default :func:`libraries`.
    """

    def __init__(self, folder: Path, port: int | None = None, libs: Path | None = None) -> None:
        super().__init__()
        self.folder = folder.resolve()
        self.port = port or free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        self._controller_port = free_port()
        self._libs = libs

    def _launch(self) -> ServerProcess:
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = self.folder / "server.properties"
        settings.write_text(self._properties())
        if not (self.folder / "data" / "meta.properties").exists():
            self._format(settings)
        command = self._java("-Xmx768m", _LOG_WARNINGS, "kafka.Kafka", str(settings))
        process = ServerProcess(command, log=self.folder / "server.log")
        return process.wait_until(lambda: _answers(self.port), START_TIMEOUT_S)

    def _format(self, settings: Path) -> None:
        tool = self._java(_LOG_WARNINGS, "kafka.tools.StorageTool")
        cluster = _run([*tool, "random-uuid"]).strip()
        _run([*tool, "format", "-t", cluster, "-c", str(settings), "--standalone"])

    def _java(self, *arguments: str) -> list[str]:
        libs = self._libs or libraries()
        return [
            _program("java", "apt install openjdk-17-jre-headless"),
            "-cp",
            f"{libs}/*",
            *arguments,
        ]

    def _properties(self) -> str:
        controller = f"127.0.0.1:{self._controller_port}"
        return "\n".join(
            [
                "process.roles=broker,controller",
                "node.id=1",
                f"listeners=PLAINTEXT://{self.bootstrap},CONTROLLER://{controller}",
                "controller.listener.names=CONTROLLER",
                f"controller.quorum.bootstrap.servers={controller}",
                "inter.broker.listener.name=PLAINTEXT",
                f"log.dirs={self.folder / 'data'}",
                "log.message.timestamp.type=LogAppendTime",
                "group.initial.rebalance.delay.ms=0",
                # After a kill the node must wait for its own old session: 9 s by default.
                "broker.session.timeout.ms=4000",
                "broker.heartbeat.interval.ms=1000",
                *(f"{setting}=1" for setting in _SINGLE_NODE),
                "",
            ]
        )


_LOG_WARNINGS = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"


def libraries() -> Path:
    """The folder of Kafka's jars, fetched through Maven if it is not there yet.

    Raises ``ServerError`` if Maven is missing or cannot fetch them.
    """
    given = os.environ.get(LIBS_VARIABLE)
    libs = Path(given) if given else DEFAULT_LIBS
    if any(libs.glob("kafka-clients-*.jar")):
        return libs.resolve()
    if given:
        raise ServerError(f"{LIBS_VARIABLE}={given}: want a folder with Kafka's jars")
    return _fetch(libs)


def _fetch(libs: Path) -> Path:
    maven = _program("mvn", "apt install maven")
    partial = libs.with_name(f"{libs.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    _run(
        [
            *(maven, "-q", "-B", "-f", str(POM), "dependency:copy-dependencies"),
            *(f"-DoutputDirectory={partial}", "-DincludeScope=runtime"),
        ]
    )
    shutil.rmtree(libs, ignore_errors=True)
    return partial.rename(libs)


def _program(name: str, remedy: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise ServerError(f"{name} is not on the PATH: {remedy}")
    return found


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ServerError(f"{command!r} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def _answers(port: int) -> bool:
    """True if a Metadata request (key 3, version 1, no topics) is answered with a broker.

    The port opens before the broker may serve; its own entry in the answer says that it may.
    """
    request = struct.pack(">hhihi", 3, 1, 0, -1, 0)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            answer = connection.recv(12, socket.MSG_WAITALL)
    except OSError:
        return False
    return len(answer) == 12 and struct.unpack(">iii", answer)[2] > 0  # noqa: PLR2004 - 3 int32


def main() -> None:
    """Start a broker; print its address. In the foreground, stop it at Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.services.kafka", description=main.__doc__
    )
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--foreground", action="store_true")
    asked = parser.parse_args()
    server = KafkaServer(asked.folder, asked.port)
    server.start()
    print(f"Kafka answers at {server.bootstrap}; its data and log lie in {server.folder}")
    if asked.foreground:
        _wait_for_the_end()
        server.stop()
    else:
        print(f"It goes on in the background; stop it with: kill {server.detach()}")


def _wait_for_the_end() -> None:
    ends = {signal.SIGINT, signal.SIGTERM}
    # Unblocked they would end this process at once, and Kafka with it in the midst of its work.
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    signal.sigwait(ends)


if __name__ == "__main__":
    main()
