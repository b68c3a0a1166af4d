"""The README's tour, taken word by word: its shell blocks are run, its log-in is made in a browser."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.support.idp import PROGRAM, Idp

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
TOUR = README[README.index("## A tour in five minutes") : README.index("## Where to go from here")]
LOCAL = "127.0.0.1:8080"


def blocks(text: str) -> list[str]:
    """Return the shell blocks of a text."""
    return re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture
def idp(tmp_path: Path) -> Iterator[Idp]:
    """The server as `make run` starts it in a checkout, but for the port and the data directory."""
    installation = Idp(tmp_path / "idp", cwd=ROOT)
    installation.start()
    yield installation
    installation.stop()


def run_tour(idp: Idp, text: str) -> str:
    """Run the blocks of a part of the tour as one script, and return what they print."""
    script = "\n".join(blocks(text)).replace(LOCAL, f"127.0.0.1:{idp.port}").replace(".venv/bin/idp", str(PROGRAM))
    done = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", script], env=idp.env, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


async def test_the_tour_works_as_written(idp: Idp, page: Page) -> None:
    before, after = TOUR.split("**4. Log in", 1)
    printed = run_tour(idp, before)
    assert '"userName":"tove"' in printed
    assert '"totalResults":1' in printed, "the filter finds her"
    assert '"title":"Painter"' in printed
    assert re.search(r"^create +user +ada$", printed, re.MULTILINE), "the plan names people"
    assert re.search(r"^ada +Ada Lovelace +ada@example\.com", printed, re.MULTILINE), "the list shows them"
    assert idp.json("ldap", "runs", "sample")[0]["counts"]["create"] == 0, "the second run found nothing to do"

    name, password = re.findall(r"`([\w-]+)`", after)[:2]
    await page.goto(f"{idp.url}/account")
    await page.fill("[autocomplete=username]", name)
    await page.fill("[autocomplete=current-password]", password)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Protect your account")).to_be_visible()

    assert "left the tour" in run_tour(idp, after)


async def test_the_printed_link_makes_the_administrator(idp: Idp, page: Page) -> None:
    idp.process.wait_until(lambda: "/setup?token=" in idp.process.log_text())
    await page.goto(idp.setup_link())
    await page.fill("[autocomplete=username]", "root")
    await page.fill("[autocomplete=email]", "root@example.org")
    for field in await page.locator("[autocomplete=new-password]").all():
        await field.fill("a river runs uphill")
    await page.locator("main button").last.click()
    await expect(page.get_by_role("heading", name="Protect your account")).to_be_visible()
    assert idp.json("user", "show", "root")["active"] is True
    again = await page.request.get(idp.setup_link())
    assert again.status in (403, 404, 410), "the link works once"
