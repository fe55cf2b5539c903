#!/usr/bin/env bash
# Builds the lab's images from Debian packages, each once: the tag is a hash of everything that goes into it.
set -euo pipefail
cd "$(dirname "$0")"

# Leave out what the lab never reads, and do not sync a file system that is thrown away.
slim=(--variant=apt --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*'
      --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt=force-unsafe-io)

tag() { sha256sum | cut -c1-12; }
base_tag=$(tag <<<"${slim[*]}")
lab_tag=$(cat Containerfile listener.py ./*.service - <<<"$base_tag" | tag)

for suite in bookworm trixie; do
  base=localhost/avi-firewall-base-$suite:$base_tag
  image=localhost/avi-firewall-lab-$suite
  podman image exists "$image:$lab_tag" && { podman tag "$image:$lab_tag" "$image:latest"; continue; }
  if ! podman image exists "$base"; then
    echo "Bootstrapping Debian $suite (about 20 seconds) ..."
    mmdebstrap --quiet --mode="$([ "$(id -u)" = 0 ] && echo root || echo unshare)" "${slim[@]}" "$suite" - \
      | podman import --quiet - "$base" >/dev/null
  fi
  echo "Installing systemd and the firewalls on $suite (about 20 seconds) ..."
  log=$(mktemp)
  podman build --network=host --build-arg BASE="$base" --tag "$image:$lab_tag" --tag "$image:latest" . >"$log" 2>&1 \
    || { tail -n 30 "$log" >&2; exit 1; }
  rm "$log"
done
