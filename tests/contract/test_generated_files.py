from pathlib import Path

import pytest

from touchstream.schemas import generate
from touchstream.schemas.documents.sources import DICTIONARY, EXAMPLES, PROJECT, event_types


def copy_of_documents(folder: Path) -> Path:
    for path, text in generate.documents().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def test_the_committed_documents_are_current() -> None:
    assert [str(path) for path, _ in generate.stale_files(PROJECT)] == []


def test_generating_twice_gives_the_same_text() -> None:
    assert generate.documents() == generate.documents()


def test_a_document_that_was_edited_is_named_with_the_text_it_should_have(tmp_path: Path) -> None:
    project = copy_of_documents(tmp_path)
    current = (project / DICTIONARY).read_text(encoding="utf-8")
    (project / DICTIONARY).write_text("edited", encoding="utf-8")
    assert list(generate.stale_files(project)) == [(DICTIONARY, current)]


def test_a_document_that_is_missing_is_named(tmp_path: Path) -> None:
    project = copy_of_documents(tmp_path)
    (project / "schemas/json/web.visit.schema.json").unlink()
    named = [path for path, _ in generate.stale_files(project)]
    assert named == [Path("schemas/json/web.visit.schema.json")]


def test_the_schema_of_a_type_that_is_gone_should_go(tmp_path: Path) -> None:
    project = copy_of_documents(tmp_path)
    (project / "schemas/json/moon.seen.schema.json").write_text("{}", encoding="utf-8")
    assert list(generate.stale_files(project)) == [
        (Path("schemas/json/moon.seen.schema.json"), None)
    ]


def test_check_returns_1_and_names_the_file_until_it_is_generated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = copy_of_documents(tmp_path)
    (project / DICTIONARY).write_text("edited", encoding="utf-8")
    monkeypatch.setattr(generate, "PROJECT", project)
    assert generate.main(["--check"]) == 1
    assert "docs/events.md is not current" in capsys.readouterr().out
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0


def test_every_example_belongs_to_a_type() -> None:
    written = {file.name.removesuffix(".json") for file in (PROJECT / EXAMPLES).iterdir()}
    assert written == {kind.name for kind in event_types()}
