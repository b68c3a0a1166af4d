#!/usr/bin/env bash
# Make a virtual environment with the newest supported Python there is: make_venv.sh DIR [PYTHON]
set -euo pipefail

venv=$1
candidates=("${2:-}")
[ -n "${2:-}" ] || candidates=(python3.13 python3.12 python3.11 python3)

without_venv=
for python in "${candidates[@]}"; do
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
  # Debian and Ubuntu ship the venv module without ensurepip; it then fails half way.
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    without_venv=$python
    continue
  fi
  echo "Making $venv with $("$python" --version) ..."
  exec "$python" -m venv "$venv"
done

if [ -n "$without_venv" ]; then
  version=$("$without_venv" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  echo "$without_venv cannot make virtual environments: its venv package is missing." >&2
  echo "Install it and run make again:  apt-get install python$version-venv" >&2
else
  echo "Python 3.11 or newer is needed; tried: ${candidates[*]}." >&2
  echo "Install it and run make again (Debian 12, Ubuntu 24.04:  apt-get install python3 python3-venv)," >&2
  echo "or name an interpreter:  make setup PYTHON=/path/to/python3.12" >&2
fi
exit 1
