"""A directory's group whose name is taken, where names are unique."""

from pathlib import Path

from idp.schema import default_registry
from idp.store import open_store
from idp.store.collections import collections
from ldap_bridge.runs import State
from tests.ldap_bridge.conftest import bridge_over
from tests.support.clock import FakeClock
from tests.support.directory import SYSTEM

SAMPLE = Path(__file__).parents[2] / "config" / "sample" / "directory.ldif"


async def test_a_run_says_which_group_has_a_taken_name_and_brings_the_others(tmp_path: Path, clock: FakeClock) -> None:
    registry = default_registry(unique_group_names=True)
    store = await open_store(f"sqlite:{tmp_path / 'idp.sqlite'}", collections(registry), clock)
    try:
        bridge = bridge_over(store, clock, f"ldif:{SAMPLE}", base="")
        own = await bridge.directory.group("EVERYBODY")
        run = await bridge.sync()
        assert (run.state, run.errors) == (State.APPLIED, 1)
        [line] = [line for line in await bridge.lines(run) if line.error]
        assert (line.name, line.error) == ("Everybody", "the value of displayName is already in use")
        assert await bridge.members("Finance")
        await bridge.directory.groups.delete(SYSTEM, own.id)
        assert (await bridge.sync()).errors == 0
        assert await bridge.members("Everybody") == {"Engineering", "Research", "Sales", "Support", "Finance"}
    finally:
        await store.close()
