#!/usr/bin/env bash
# Makes a virtual environment and installs this project into it: with uv where present, with venv and pip where not.
#
#   tools/venv.sh DIRECTORY EXTRAS [CONSTRAINTS]      e.g. tools/venv.sh .venv test,dev
#
# CONSTRAINTS is a file of pip's; its requirements narrow what is installed. PYTHON names the interpreter to use.
set -euo pipefail
cd "$(dirname "$0")/.."
directory=$1 extras=$2 constraints=${3:-}

suitable() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

python=${PYTHON:-}
if [ -z "$python" ]; then
  for name in python3 python3.13 python3.12 python3.11; do
    if suitable "$name"; then python=$name; break; fi
  done
fi
[ -n "$python" ] && suitable "$python" || {
  echo "error: no Python 3.11 or newer found${PYTHON:+ (PYTHON=$PYTHON)}" >&2
  echo "  hint: install one, or say where it is: make PYTHON=/path/to/python3.11 ..." >&2
  exit 1
}

say_if_broken() {
  echo "error: $python could not make a virtual environment in $directory" >&2
  echo "  hint: on Debian and Ubuntu, apt-get install python3-venv" >&2
  exit 1
}

with_uv() {
  [ -x "$directory/bin/python" ] || uv venv --quiet --python "$python" "$directory" || return
  uv pip install --quiet --python "$directory/bin/python" ${constraints:+--constraint "$constraints"} -e ".[$extras]"
}

with_pip() {
  "$directory/bin/python" -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear "$directory" || say_if_broken
  "$directory/bin/python" -m pip install --quiet --disable-pip-version-check \
    ${constraints:+--constraint "$constraints"} -e ".[$extras]"
}

echo "setting up $directory ($extras): the first time this takes a minute or so"
if command -v uv >/dev/null; then
  with_uv || { echo "uv could not install; trying pip, which may know other package indexes" >&2; with_pip; }
else
  with_pip
fi
echo "$directory: $("$directory/bin/python" -c 'import platform, sqlalchemy as s
print("Python", platform.python_version() + ", SQLAlchemy", s.__version__)')"
