"""Whether this server has the key that its store was used with; looked at once, as soon as the store answers."""

import asyncio
import logging
from pathlib import Path
from typing import Final

from idp.app.services import Services
from idp.auth.key_mark import KeyMark
from idp.errors import ConfigError, Contradicted, RemoteError

RETRY: Final = 1.0
FITS: Final = "the key fits the store"
_SHARED: Final = "mongodb"

logger = logging.getLogger("idp")


async def check_key(services: Services) -> None:
    """Look at the key as soon as the store answers; see `check_key_now`.

    Raises ConfigError also when the store will never answer because its records contradict the settings.
    """
    while True:
        try:
            return await check_key_now(services)
        except Contradicted as error:
            raise ConfigError("store", str(error)) from error
        except RemoteError:
            await asyncio.sleep(RETRY)


async def check_key_now(services: Services) -> None:
    """Return when the key is right, or wrong in a way that people can be served with: then it is logged.

    Raises ConfigError for a key that this machine has just made for itself although others use the store with another:
    what it encrypted they could not read. The key is discarded, so that a second start says the same. Raises what the
    store raises.
    """
    mark, file = KeyMark(services.base.store, services.base.sealer), services.base.key_file
    lost = 0
    if not await mark.is_known():
        if file.is_new and services.config.store_url.startswith(_SHARED):
            file.discard()
            raise ConfigError(
                "secrets.key",
                "the store is used with another key; set IDP_SECRET_KEY to it, or put a copy of the other machines'"
                f" secret.key at {file.path} (secrets.key_file), and start again",
            )
        lost = await mark.lost()
    if file.is_new:
        file.confirm()
    _tell(lost, file.path)


def _tell(lost: int, file: Path) -> None:
    if lost:
        logger.error(
            "the key that the store was used with is missing: %d second factors cannot be checked, and who has no"
            " other cannot log in. Put the key back into secrets.key or %s and restart; if it is lost for good, reset"
            " them: idp user reset-mfa USER",
            lost,
            file,
        )
    else:
        logger.info(FITS)
