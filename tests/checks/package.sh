#!/usr/bin/env bash
# Builds the package into .cache/package and has Galaxy's importer and ansible-builder judge it.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=.cache/package
rm -rf "$out"
mkdir -p "$out/ansible_collections/avi/firewall"

ansible-galaxy collection build --output-path "$out" .
package=$(basename "$out"/*.tar.gz)
size=$(stat --format %s "$out/$package")

(cd "$out" && GALAXY_IMPORTER_CHECK_REQUIRED_TAGS=1 python -m galaxy_importer.main "$package") | tee "$out/importer.log" | grep -v '^Loading '
if grep -E '^(WARNING|ERROR|CRITICAL)' "$out/importer.log"; then
  echo "galaxy-importer has found what stands above" >&2
  exit 1
fi

# The definition that users build from is valid, and an installed package tells the Python packages of meta/ee-requirements.txt.
ansible-builder create --file execution-environment.yml --context "$out/context"
tar --extract --file "$out/$package" --directory "$out/ansible_collections/avi/firewall"
ansible-builder introspect "$out" > "$out/introspected.txt"
while read -r requirement; do
  if ! grep --quiet --fixed-strings "'$requirement  # from collection avi.firewall'" "$out/introspected.txt"; then
    echo "ansible-builder does not find $requirement in the package" >&2
    exit 1
  fi
done < <(grep -v '^#' meta/ee-requirements.txt)
echo "$package: $((size / 1024)) KiB, no warning"
