#!/usr/bin/env bash
# Puts the Python tools of tests/requirements.txt into a folder, .cache/venv; into .cache/venv-2.16 with ansible-core 2.16.
set -euo pipefail
folder=$1
python=${PYTHON:-python3}
wanted=(--requirement tests/requirements.txt)
case $folder in *-*) wanted+=("ansible-core~=${folder##*-}.0") ;; esac
echo "Installing the Python tools into $folder (some seconds, a minute where uv is not to be had) ..."
"$python" -m venv --clear "$folder"
if "$folder/bin/pip" install --quiet --disable-pip-version-check uv; then
  UV_NATIVE_TLS=1 "$folder/bin/uv" pip install --quiet --python "$folder/bin/python" "${wanted[@]}"
else
  "$folder/bin/pip" install --quiet --disable-pip-version-check "${wanted[@]}"
fi
touch "$folder/.stamp"
