"""Fixtures that every test may use: where the real data is, and what CI demands."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def _data_dir() -> Path:
    return Path(os.environ.get("TEST_DATA") or ROOT.parent / "shared" / "data")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data; the test is skipped, with the reason, where it is absent."""
    path = _data_dir()
    if not (path / "fer2013.npz").is_file():
        pytest.skip(f"needs the real data: no {path / 'fer2013.npz'}; set TEST_DATA")
    return path


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's folder."""
    return ROOT


ALLOWED_SKIPS_IN_CI: tuple[str, ...] = ()
"""Reasons that may skip a test in CI; anything else skipped there is a promise nobody checked."""


def pytest_terminal_summary(terminalreporter, exitstatus, config):
    """Say in CI which skipped tests make the run fail."""
    if os.environ.get("CI") and terminalreporter.stats.get("skipped"):
        terminalreporter.write_line("In CI a skipped test is a failure: see the reasons above.", red=True)


def pytest_sessionfinish(session, exitstatus):
    """Fail a CI run in which a test was skipped."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("CI") or reporter is None or exitstatus != 0:
        return
    skipped = [report for report in reporter.stats.get("skipped", []) if not _allowed(report)]
    if skipped:
        session.exitstatus = 1


def _allowed(report) -> bool:
    return any(reason in str(report.longrepr) for reason in ALLOWED_SKIPS_IN_CI)
