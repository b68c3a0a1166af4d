"""Servers that any test may ask for, and the rule that nothing is skipped in CI."""

import os
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from playwright.async_api import Page
from pymongo import MongoClient
from pymongo.database import Database

from tests.support.chromium import Chromium, open_chromium
from tests.support.clock import FakeClock
from tests.support.mongod import Mongod, kept_database, with_database
from tests.support.people import Company, make_company
from tests.support.slapd import Slapd
from tests.support.smtp import SmtpServer

# Deadlines of single examples say more about the machine than about the code.
_quiet = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
# The same examples each time: new ones are what `make fuzz` is for.
settings.register_profile("default", _quiet, max_examples=100, derandomize=True)
settings.register_profile("fuzz", _quiet, max_examples=20_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


IN_CI = bool(os.environ.get("CI"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skipped test is a failed one: what was not run was not shown to work."""
    report = yield
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and in CI nothing is: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a module that skips itself while it is read."""
    report = yield
    if IN_CI and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} was skipped, and in CI nothing is: {report.longrepr}"
    return report


@pytest.fixture
def clock() -> FakeClock:
    """A clock that moves only when the test says so."""
    return FakeClock()


# --- MongoDB ---


@pytest.fixture(scope="session")
def mongo_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a replica set: IDP_TEST_MONGODB, or a mongod of this test run's own."""
    if given := os.environ.get("IDP_TEST_MONGODB"):
        yield given
        return
    server = Mongod(tmp_path_factory.mktemp("mongod"))
    with ExitStack() as at_end:
        at_end.callback(server.kill)
        server.start()
        yield server.uri


@pytest.fixture
def mongo_database_uri(mongo_uri: str) -> Iterator[str]:
    """The address of an empty database for this test alone."""
    name = f"test_{uuid4().hex}"
    yield with_database(mongo_uri, name)
    client: MongoClient[dict[str, object]] = MongoClient(mongo_uri)
    with client:
        client.drop_database(name)


@pytest.fixture(scope="session")
def kept_mongo_database(mongo_uri: str) -> Iterator[Database[dict[str, Any]]]:
    """A database with the product's collections, for all tests of a run that empty it first."""
    with kept_database(mongo_uri) as kept:
        yield kept


@pytest.fixture
def new_mongod(tmp_path: Path) -> Iterator[Callable[[], Mongod]]:
    """Make servers, not started yet, that the test may stop, freeze and kill."""
    with ExitStack() as at_end:

        def make() -> Mongod:
            server = Mongod(tmp_path / f"mongod-{uuid4().hex[:8]}")
            at_end.callback(server.kill)
            return server

        yield make


# --- LDAP ---


@pytest.fixture
def new_slapd(tmp_path: Path) -> Iterator[Callable[[], Slapd]]:
    """Make servers, empty and not started yet."""
    with ExitStack() as at_end:

        def make() -> Slapd:
            server = Slapd(tmp_path / f"slapd-{uuid4().hex[:8]}")
            at_end.callback(server.kill)
            return server

        yield make


@pytest.fixture
def company() -> Company:
    """Fifty people and ten groups, some in others, two in a loop."""
    return make_company()


@pytest.fixture
def slapd(new_slapd: Callable[[], Slapd], company: Company) -> Slapd:
    """A running server that holds the company; the test may change it."""
    server = new_slapd()
    server.load(company.ldif())
    server.start()
    return server


# --- mail and browser ---


@pytest.fixture
async def smtp() -> AsyncIterator[SmtpServer]:
    """A running mail server that keeps what it is given."""
    async with SmtpServer() as server:
        yield server


@pytest.fixture
async def chromium() -> AsyncIterator[Chromium]:
    """A browser; the test fails when a page of it had an uncaught error or broke its security policy."""
    async with AsyncExitStack() as stack:
        browser = await stack.enter_async_context(open_chromium())
        yield browser
        assert not browser.complaints


@pytest.fixture
async def page(chromium: Chromium) -> Page:
    """An empty page in a fresh profile."""
    return await chromium.new_page()
