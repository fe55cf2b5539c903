#!/usr/bin/env bash
# Builds the images of these tests, or those that are named, on that of the lab, each once: the tag is a hash of everything that goes into it.
set -euo pipefail
cd "$(dirname "$0")"

base=localhost/avi-firewall-lab-bookworm:latest
tag=$({ podman image inspect --format '{{.Id}}' "$base"; cat Containerfile; } | sha256sum | cut -c1-12)

[ $# -gt 0 ] || set -- faults faults-persistent faults-published faults-ferm
for target; do
  image=localhost/avi-firewall-$target
  podman image exists "$image:$tag" && { podman tag "$image:$tag" "$image:latest"; continue; }
  echo "Installing what else $image needs (about 20 seconds) ..."
  log=$(mktemp)
  podman build --network=host --build-arg BASE="$base" --target "$target" --tag "$image:$tag" --tag "$image:latest" . >"$log" 2>&1 \
    || { tail -n 30 "$log" >&2; exit 1; }
  rm "$log"
done
