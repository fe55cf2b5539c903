#!/usr/bin/env bash
# Builds the images of the lab, or those of the releases that are named, from packages of Debian or Ubuntu.
# Each is built once: the tag is a hash of everything that goes into it.
set -euo pipefail
cd "$(dirname "$0")"

# Leave out what the lab never reads, and do not sync a file system that is thrown away.
slim=(--variant=apt --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*'
      --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt=force-unsafe-io)

tag() { sha256sum | cut -c1-12; }
base_tag=$(tag <<<"${slim[*]}")
lab_tag=$(cat Containerfile listener.py ./*.service - <<<"$base_tag" | tag)

work=$(mktemp --directory)
trap 'rm -r "$work"' EXIT
chmod a+rx "$work"  # apt reads the keys as somebody else

# Writes the archive of a bare system.
bootstrap() {
  local options=("${slim[@]}")
  if [ "$1" = jammy ] || [ "$1" = noble ]; then  # Debian packages the keys of Ubuntu from 13 on
    local keys=/usr/share/keyrings/ubuntu-archive-keyring.gpg
    podman run --rm --network=host --env DEBIAN_FRONTEND=noninteractive "localhost/avi-firewall-base-trixie:$base_tag" sh -e -c \
      "{ apt-get update -qq; apt-get install -qq ubuntu-keyring; } >/dev/null 2>&1; cat $keys" >"$work/ubuntu.gpg"
    options+=(--keyring="$work/ubuntu.gpg" "--components=main,universe")
  fi
  mmdebstrap --quiet --mode="$([ "$(id -u)" = 0 ] && echo root || echo unshare)" "${options[@]}" "$1" -
}

[ $# -gt 0 ] || set -- bookworm trixie
for suite; do
  base=localhost/avi-firewall-base-$suite:$base_tag
  image=localhost/avi-firewall-lab-$suite
  podman image exists "$image:$lab_tag" && { podman tag "$image:$lab_tag" "$image:latest"; continue; }
  if ! podman image exists "$base"; then
    echo "Bootstrapping $suite (about 20 seconds) ..."
    bootstrap "$suite" | podman import --quiet - "$base" >/dev/null
  fi
  echo "Installing systemd and the firewalls on $suite (about 20 seconds) ..."
  podman build --network=host --build-arg BASE="$base" --tag "$image:$lab_tag" --tag "$image:latest" . >"$work/log" 2>&1 \
    || { tail -n 30 "$work/log" >&2; exit 1; }
done
