#!/usr/bin/env bash
# Builds the documentation into .cache/docsite/html. A warning is an error.
set -euo pipefail
cd "$(dirname "$0")/../.."
site=.cache/docsite
rm -rf "$site"
mkdir -p "$site"
cp -R docs "$site/pages"
cp docs/docsite/index.rst "$site/pages"
rm -r "$site/pages/docsite"
mkdir -m 700 "$site/pages/reference"
antsibull-docs collection --use-current --squash-hierarchy --fail-on-error --dest-dir "$site/pages/reference" avi.firewall
sphinx-build --quiet --fail-on-warning --keep-going --conf-dir docs/docsite --builder html "$site/pages" "$site/html"
echo "$site/html/index.html"
