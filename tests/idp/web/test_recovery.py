"""A forgotten password."""

import re
from email import message_from_bytes
from email.policy import default

from tests.support.pages import Reply, Visitor
from tests.support.site import PASSWORD, Site, log_in

NEW = "four quite other words"


async def ask(visitor: Visitor, name: str) -> Reply:
    return await visitor.send((await visitor.get("/forgot")).form("/forgot"), username=name)


async def mailed_link(site: Site) -> str:
    """The path of the one link to a new password that was mailed."""
    await site.services.base.outbox.deliver_due()
    letters = [message_from_bytes(file.read_bytes(), policy=default) for file in (site.data / "mail").iterdir()]
    bodies = [letter.get_body(("plain",)) for letter in letters]
    texts = [body.get_content() for body in bodies if body is not None]
    links = [path for text in texts for path in re.findall(r"http://[^/\s]+(/reset\?token=\w+)", text)]
    assert len(links) == 1
    return str(links[0])


async def test_the_answer_is_the_same_for_everybody(site: Site) -> None:
    await site.person("ada")
    await site.person("gone", active=False)
    pages = [(await ask(site.visitor(), name)) for name in ("ada", "gone", "nobody", "")]
    texts = {page.text for page in pages}
    assert {page.status for page in pages} == {200}
    assert len(texts) == 1
    assert "Check your mail" in texts.pop()


async def test_the_mailed_link_sets_a_new_password_once(site: Site, visitor: Visitor) -> None:
    await site.person("ada", mfa="off")
    await ask(visitor, "ada@example.org")
    path = await mailed_link(site)
    page = await visitor.get(path)
    refused = await visitor.send(page.form("/reset"), new_password="short", confirm_password="short")
    assert (refused.status, "At least 10 characters." in refused.text) == (422, True)
    done = await visitor.send(refused.form("/reset"), new_password=NEW, confirm_password=NEW)
    assert "Your new password is saved" in done.text
    assert (await log_in(visitor, "ada", NEW)).path == "/account"
    assert (await log_in(site.visitor(), "ada", PASSWORD)).status == 422
    assert (await visitor.get(path)).status == 404
    again = await visitor.send(page.form("/reset"), new_password=PASSWORD, confirm_password=PASSWORD)
    # The form belonged to the browser before it logged in.
    assert again.status == 403


async def test_a_second_step_stays_after_a_reset(site: Site, visitor: Visitor) -> None:
    await site.enrolled(await site.person("ada"))
    await ask(visitor, "ada")
    page = await visitor.get(await mailed_link(site))
    await visitor.send(page.form("/reset"), new_password=NEW, confirm_password=NEW)
    assert "Enter the code from your app" in (await log_in(visitor, "ada", NEW)).text


async def test_a_dead_link_offers_a_new_one(visitor: Visitor) -> None:
    page = await visitor.get("/reset?token=guess")
    assert page.status == 404
    assert 'href="/forgot"' in page.html
