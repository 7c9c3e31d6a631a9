#!/usr/bin/env bash
# Makes the virtual environment and installs what requirements.txt pins, and Hashdrop itself.
set -euo pipefail
venv=${1:?folder}
python=${PYTHON:-python3}

say() { printf '%s\n' "$*" >&2; }

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  say "Hashdrop needs Python 3.11 or newer; “$python” is not. Set PYTHON=/path/to/python3.11."
  exit 1
fi

if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
  # Debian's own Python has no venv until python3-venv is installed.
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    if command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; then
      say "Installing python3-venv …"
      run=(); [ "$(id -u)" = 0 ] || run=(sudo)
      "${run[@]}" apt-get update -qq
      DEBIAN_FRONTEND=noninteractive "${run[@]}" apt-get install -y -qq python3-venv >/dev/null
    else
      say "Python's venv module is missing. Install it first: sudo apt-get install python3-venv"
      exit 1
    fi
  fi
  say "Making $venv …"
  "$python" -m venv "$venv"
fi

say "Installing what Hashdrop needs …"
# requirements.txt is complete: without --no-deps pip looks for the hash of `sqlalchemy[asyncio]`, which labox asks
# for by a range, and refuses it. `pip check` then holds the list to what the packages themselves ask for.
pip() { "$venv/bin/python" -m pip --disable-pip-version-check "$@"; }
pip install --quiet --no-deps --require-hashes -r requirements.txt
pip install --quiet --no-deps --no-build-isolation -e .
pip check >&2
