#!/usr/bin/env bash
# Install the packages of a lock, each checked against its hash, and the project itself: install.sh VENV LOCK
# uv needs seconds where pip needs most of a minute; where uv cannot be had or fails, pip does the whole work.
set -euo pipefail

venv=$1 lock=$2
bin=$venv/bin
pip=("$bin/python" -m pip --disable-pip-version-check)
# The project itself as a directory on Python's path: the finder that is the default delays every start by 30 ms.
project=(--no-build-isolation --config-settings editable_mode=compat --editable .)
borrowed=$(mktemp -d)
trap 'rm -rf "$borrowed"' EXIT

borrow_uv() {
  awk '/^uv==/ { on = 1 } on; on && !/\\$/ { exit }' requirements-dev.lock >"$borrowed/uv.lock"
  "${pip[@]}" install --quiet --require-hashes --no-deps --target "$borrowed" -r "$borrowed/uv.lock"
}

with_uv() {
  borrow_uv || return 1
  # uv does not read pip's configuration; an index named there is the one to use.
  local index
  index=$("${pip[@]}" config list | sed -n "s/^[^=]*[.]index-url='\(.*\)'$/\1/p" | tail -n 1)
  [ -z "$index" ] || export UV_DEFAULT_INDEX=$index
  local install=("$borrowed/bin/uv" pip install --quiet --compile-bytecode --python "$bin/python" --no-deps)
  "${install[@]}" --require-hashes -r "$lock" && "${install[@]}" "${project[@]}"
}

with_pip() {
  "${pip[@]}" install --quiet --require-hashes --no-deps -r "$lock"
  "${pip[@]}" install --quiet --no-deps "${project[@]}"
}

echo "Installing the packages of $lock into $venv ..."
with_uv 2>"$borrowed/errors" || {
  echo "uv did not do it ($(tail -n 1 "$borrowed/errors")); pip takes over, which needs a minute ..."
  with_pip
}
# Compiled now, the first start is as quick as the later ones.
"$bin/python" -m compileall -q idp scim ldap_bridge
