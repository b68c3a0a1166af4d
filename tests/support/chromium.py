"""Real Chromium under playwright, with an eye on what a page complains of."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

from tests.support.process import PATIENCE, ServerError

FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)


_MILLISECONDS = PATIENCE * 1000
expect.set_options(timeout=_MILLISECONDS)


class Chromium:
    """One browser process; each page gets a profile of its own."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.complaints: list[str] = []
        """Uncaught script errors and violations of the Content-Security-Policy, on any page."""

    async def new_context(self, *, javascript: bool = True, dark: bool = False) -> BrowserContext:
        """Open a fresh profile: no cookies, nothing stored."""
        context = await self._browser.new_context(
            java_script_enabled=javascript, color_scheme="dark" if dark else "light", locale="en-GB"
        )
        context.set_default_timeout(_MILLISECONDS)
        context.on("console", self._heard)
        context.on("weberror", lambda event: self.complaints.append(str(event.error)))
        return context

    async def new_page(self, *, javascript: bool = True, dark: bool = False) -> Page:
        """Open a page in a fresh profile."""
        context = await self.new_context(javascript=javascript, dark=dark)
        return await context.new_page()

    async def forget(self) -> None:
        """Close every page and profile that there is, and what was heard of them."""
        for context in self._browser.contexts:
            await context.close()
        self.complaints = []

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            self.complaints.append(message.text)


@asynccontextmanager
async def open_chromium() -> AsyncIterator[Chromium]:
    """Run the system's Chromium without a window; ServerError when it is not installed."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        raise ServerError("no chromium: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=executable, headless=True, args=list(FLAGS), timeout=_MILLISECONDS
        )
        try:
            yield Chromium(browser)
        finally:
            await browser.close()
