"""Style sheets, the script and pictures, under names that change with their content, so browsers may keep them."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web

FOLDER: Final = Path(__file__).with_name("static")
FOREVER: Final = "public, max-age=31536000, immutable"
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent."""

    path: str
    body: bytes
    content_type: str
    tag: str


class Assets:
    """All files of the folder, read once; there are few and they are small."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._by_name = {file.name: _read(file) for file in sorted(folder.iterdir()) if file.suffix in _TYPES}
        self._by_path = {asset.path: asset for asset in self._by_name.values()}

    def path(self, name: str) -> str:
        """Return where the file of that name is found; a name that is none is a bug of ours."""
        return self._by_name[name].path

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer for one of the paths."""
        asset = self._by_path.get(request.path)
        if asset is None:
            raise web.HTTPNotFound
        if any(tag.value in (asset.tag, "*") for tag in request.if_none_match or ()):
            response = web.Response(status=304)
        else:
            response = web.Response(body=asset.body, content_type=asset.content_type, charset="utf-8")
            response.enable_compression()
        response.etag = asset.tag
        response.headers["Cache-Control"] = FOREVER
        return response


def _read(file: Path) -> Asset:
    body = file.read_bytes()
    tag = hashlib.sha256(body).hexdigest()[:16]
    return Asset(f"/static/{file.stem}.{tag}{file.suffix}", body, _TYPES[file.suffix], tag)
