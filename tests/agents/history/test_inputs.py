"""Files as people have them: opened once, unpacked by content, refused with the way out."""

import gzip
import io
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest

from tests.agents.cli.command import order
from touchstream.agents.history.inputs import MAX_LINE_BYTES, STDIN, InputError, raw_lines

LINES = [order("ada", number, "2026-01-01T00:00:00Z") for number in range(3)]
PLAIN = b"".join(line + b"\n" for line in LINES)
PACKED = gzip.compress(PLAIN)
MARK = b"\xef\xbb\xbf"


def read(*files: Path) -> list[bytes]:
    return [line.value for line in raw_lines(files)]


def held(folder: Path, content: bytes, name: str = "events.jsonl") -> Path:
    file = folder / name
    file.write_bytes(content)
    return file


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", PLAIN),
        ("a.jsonl", PLAIN[:-1]),
        ("a.jsonl", b"\n\n " + PLAIN.replace(b"\n", b"\r\n\r\n")),
        ("a.jsonl", MARK + PLAIN),
        ("two files put together.jsonl", MARK + PLAIN.replace(LINES[1], MARK + LINES[1])),
        ("a.gz", PACKED),
        ("a.GZ", PACKED),
        ("a.gz.1", PACKED),
        ("packed, though it is called.jsonl", PACKED),
        ("plain, though it is called.gz", PLAIN),
        ("two members.gz", gzip.compress(LINES[0] + b"\n") + gzip.compress(PLAIN[len(LINES[0]) :])),
        ("packed twice.gz", gzip.compress(PACKED)),
        ("a mark inside.gz", gzip.compress(MARK + PLAIN)),
        ("padded with zeros.gz", PACKED + bytes(512)),
    ],
)
def test_the_content_tells_how_to_read_it(tmp_path: Path, name: str, content: bytes) -> None:
    assert read(held(tmp_path, content, name)) == LINES


@pytest.mark.parametrize("content", [PLAIN, PACKED, MARK + PLAIN], ids=["plain", "gzip", "mark"])
def test_a_pipe_is_read_to_its_end(tmp_path: Path, content: bytes) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(content,))
    writer.start()
    assert read(pipe) == LINES
    writer.join()


@pytest.mark.parametrize("content", [PLAIN, PACKED], ids=["plain", "gzip"])
def test_standard_input_is_read_like_a_file(
    monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    source = io.BufferedReader(cast(io.RawIOBase, io.BytesIO(content)))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(source))
    assert read(STDIN) == LINES


def test_places_name_file_and_line(tmp_path: Path) -> None:
    files = [held(tmp_path, b"\n" + PLAIN, "a"), held(tmp_path, LINES[0], "b")]
    places = [str(line.place) for line in raw_lines(files)]
    assert places == [f"{tmp_path}/a:2", f"{tmp_path}/a:3", f"{tmp_path}/a:4", f"{tmp_path}/b:1"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (PACKED[:-12], "gzip: damaged or cut off after line "),
        (PACKED[:40], "gzip: damaged or cut off after line 0: "),
        (PACKED[:60] + b"damage" + PACKED[66:], "gzip: damaged or cut off after line "),
        (PACKED + b"rubbish behind it", "gzip: damaged or cut off after line "),
        (b"\xff\xfe" + PLAIN.decode().encode("utf-16-le"), "looks like UTF-16: "),
        (b"\xfe\xff" + PLAIN.decode().encode("utf-16-be"), "looks like UTF-16: "),
        (PLAIN.decode().encode("utf-16-le"), "looks like UTF-16: "),
        (PLAIN.decode().encode("utf-16-be"), "looks like UTF-16: "),
        (PLAIN.decode().encode("utf-32"), "looks like UTF-32: "),
        (gzip.compress(PLAIN.decode().encode("utf-16")), "looks like UTF-16: "),
        (b"PK\x03\x04 and so on", "looks like a zip archive: "),
        (b"\x28\xb5\x2f\xfd and so on", "looks like packed by zstd: "),
        (b"BZh9 and so on", "looks like packed by bzip2: "),
        (b"\xfd7zXZ\x00 and so on", "looks like packed by xz: "),
        (b"[" + b",".join(LINES) + b"]", "looks like a JSON array: "),
        (b"[\n" + b",\n".join(LINES) + b"\n]\n", "looks like a JSON array: "),
        (b"{\n  " + LINES[0][1:], "looks like pretty-printed JSON: "),
        (b'{"specversion": "1.0",\n "id": "1"}', "looks like pretty-printed JSON: "),
        (
            b'{"events": [\n' + b",\n".join(LINES) + b"\n]}",
            "looks like one JSON document with the events inside: ",
        ),
        (b",\n".join(LINES), "looks like JSON objects whose lines end with a comma: "),
        (LINES[0] + b" " + LINES[1], "looks like JSON objects without line breaks between them: "),
        (b"\x1e" + LINES[0], "looks like a JSON text sequence: "),
        (b"id;time;amount\n1;2026-01-01;5\n", "looks like a table (CSV): "),
        (b"id,time\n1,2026-01-01\n", "looks like a table (CSV): "),
        (b"<!DOCTYPE html><p>Not found", "looks like a page (HTML or XML): "),
    ],
)
def test_what_is_not_one_event_a_line_is_refused_by_name(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    file = held(tmp_path, content)
    with pytest.raises(InputError) as refused:
        read(file)
    assert str(refused.value).startswith(f"{file}: {reason}")


def test_the_command_in_a_refusal_converts_the_file(tmp_path: Path) -> None:
    file = held(tmp_path, b",\n".join(LINES))
    with pytest.raises(InputError, match=r"`sed 's/,\[\[:space:\]\]\*\$//' FILE` converts it"):
        read(file)
    with os.popen(f"sed 's/,[[:space:]]*$//' {file}") as converted:
        assert converted.read().encode().splitlines() == LINES


@pytest.mark.parametrize("first", [b"nonsense", b'{"cut": "of', b'{"a": 1}', b"42", b"hello, you"])
def test_a_broken_first_line_among_events_refuses_nothing(tmp_path: Path, first: bytes) -> None:
    assert read(held(tmp_path, first + b"\n" + PLAIN)) == [first, *LINES]


def test_a_line_without_end_does_not_fill_memory(tmp_path: Path) -> None:
    long = b'{"a":"' + b"x" * (3 * MAX_LINE_BYTES) + b'"}'
    found = read(held(tmp_path, LINES[0] + b"\n" + long + b"\n" + LINES[1]))
    assert found == [LINES[0], long[:MAX_LINE_BYTES], LINES[1]]


@pytest.mark.parametrize(
    ("name", "reason"), [("gone", "No such file or directory"), (".", "Is a directory")]
)
def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path, name: str, reason: str) -> None:
    file = tmp_path / name
    with pytest.raises(InputError) as refused:
        read(file)
    assert str(refused.value) == f"{file}: {reason}"


def test_lines_before_the_damage_are_read(tmp_path: Path) -> None:
    many: Sequence[bytes] = [order("ada", n, "2026-01-01T00:00:00Z") for n in range(5_000)]
    packed = gzip.compress(b"\n".join(many))
    found: list[bytes] = []
    with pytest.raises(InputError, match=r"after line (\d+)") as refused:
        found.extend(line.value for line in raw_lines([held(tmp_path, packed[:-100])]))
    assert "ended before" in str(refused.value)
