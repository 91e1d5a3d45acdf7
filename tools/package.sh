#!/usr/bin/env bash
# Builds the package, looks into it, installs its wheel where nothing else is, and follows the tutorial there as a reader would.
#
#   tools/package.sh      with uv where present; else with pip, venv and `build`, which it installs for itself
set -euo pipefail
cd "$(dirname "$0")/.."
here=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
PAGES=(docs/tutorial/steps.md)
unset PYTHONPATH

if command -v uv >/dev/null; then
  echo "uv build"
  uv build --quiet --out-dir "$work/dist"
  uv venv --quiet "$work/venv"
  install() { uv pip install --quiet --python "$work/venv/bin/python" "$@"; }
else
  echo "python -m build"
  python3 -m venv "$work/build" && "$work/build/bin/python" -m pip install --quiet --disable-pip-version-check build
  "$work/build/bin/python" -m build --outdir "$work/dist" . >"$work/said" || { cat "$work/said"; exit 1; }
  python3 -m venv "$work/venv"
  install() { "$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }
fi
wheels=("$work"/dist/sa_privacy-*.whl)
[ ${#wheels[@]} -eq 1 ]
"$work/venv/bin/python" tools/packed.py "$work"/dist/*

install "${wheels[0]}[cli]"
cd "$work" # not where the sources are
from=$("$work/venv/bin/python" -c 'import sa_privacy; print(sa_privacy.__file__)')
case $from in "$work"/venv/*) ;; *) echo "error: sa_privacy came from $from, not from the wheel" >&2; exit 1 ;; esac
"$work/venv/bin/python" "$here/tools/follow.py" "${PAGES[@]/#/$here/}"
