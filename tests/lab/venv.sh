#!/usr/bin/env bash
# Puts the Python tools of tests/requirements.txt into .cache/venv.
set -euo pipefail
echo "Installing the Python tools into .cache/venv (some seconds, a minute where uv is not to be had) ..."
python3 -m venv --clear .cache/venv
if .cache/venv/bin/pip install --quiet --disable-pip-version-check uv; then
  UV_NATIVE_TLS=1 .cache/venv/bin/uv pip install --quiet --python .cache/venv/bin/python --requirement tests/requirements.txt
else
  .cache/venv/bin/pip install --quiet --disable-pip-version-check --requirement tests/requirements.txt
fi
touch .cache/venv/.stamp
