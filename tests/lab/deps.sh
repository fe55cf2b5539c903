#!/usr/bin/env bash
# Installs the system packages that are missing, and only those. `browser` names what only the tests of pages need.
set -euo pipefail
have() { command -v "$1" >/dev/null; }
need=()
have podman || need+=(podman netavark)
# crun, podman's usual runtime, refuses a machine where both versions of cgroups hold controllers.
if grep -qs . /sys/fs/cgroup/unified/cgroup.controllers; then have runc || need+=(runc); fi
have iptables || need+=(iptables)  # netavark calls it
have mmdebstrap || need+=(mmdebstrap)
[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || need+=(debian-archive-keyring)  # Ubuntu has none of its own accord
[ -e /etc/ssl/certs/ca-certificates.crt ] || need+=(ca-certificates)
have ssh || need+=(openssh-client)  # what runs cost is measured over SSH
have git || need+=(git)  # ansible-lint asks it which files are the project's
python3 -c 'import venv, ensurepip' 2>/dev/null || need+=(python3-venv)
if [ "${1:-}" = browser ]; then
  have chromium || need+=(chromium)
  have chromedriver || need+=(chromium-driver)
fi
[ "${#need[@]}" = 0 ] && exit 0

if ! have apt-get; then
  echo "Please install: ${need[*]}" >&2
  exit 1
fi
as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)
echo "Installing system packages: ${need[*]} ..."
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${need[@]}" >/dev/null
