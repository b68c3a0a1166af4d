"""Links are found by what they hold, however many hold the same."""

from idp.store import Store
from ldap_bridge.links import Link, Links

DN = "uid=boss,dc=example,dc=org"
REPORTS = 2_001


async def test_all_who_report_to_one_manager_are_found(store: Store) -> None:
    links, other = Links(store, "corp"), Links(store, "other")
    people = [Link(0, "user", f"s{n}", f"r{n}", f"uid=p{n},dc=example,dc=org", "", boss=DN) for n in range(REPORTS)]
    await store.commit([links.write(link) for link in people])
    await store.commit([other.write(link) for link in people[:3]])
    assert {link.stable for link in await links.of_bosses([DN, "uid=nobody"])} == {link.stable for link in people}
    assert len(await other.of_bosses([DN])) == 3
