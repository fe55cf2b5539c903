# shellcheck shell=bash
# To be sourced: the tools on PATH, and every tool's state under .cache/.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export PATH="$root/.cache/venv${CORE:+-$CORE}/bin:$PATH"
export MOLECULE_PROJECT_DIRECTORY="$root"
export ANSIBLE_HOME="$root/.cache/ansible"
export ANSIBLE_COLLECTIONS_PATH="$root/.cache/collections"
export CONTAINERS_CONF="$root/.cache/containers.conf"
# Colours also where molecule stands between Ansible and the terminal.
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then export ANSIBLE_FORCE_COLOR=1; fi

# The working tree itself is the collection: no copy that grows stale.
mkdir -p "$ANSIBLE_HOME" "$ANSIBLE_COLLECTIONS_PATH/ansible_collections/avi"
ln -sfn "$root" "$ANSIBLE_COLLECTIONS_PATH/ansible_collections/avi/firewall"

# podman asks for more files and processes than a machine without CAP_SYS_RESOURCE may give: ask for what there is.
nofile=$(ulimit -Hn) nproc=$(ulimit -Hu) most=$(cat /proc/sys/kernel/pid_max)
if [ "$nofile" = unlimited ]; then nofile=1048576; fi
if [ "$nproc" = unlimited ] || [ "$nproc" -gt "$most" ]; then nproc=$most; fi
cat > "$CONTAINERS_CONF.$$" <<EOF
[containers]
default_ulimits = ["nofile=$nofile:$nofile", "nproc=$nproc:$nproc"]
[engine]
runtime = "$(command -v runc || command -v crun)"
[network]
network_backend = "netavark"
EOF
mv "$CONTAINERS_CONF.$$" "$CONTAINERS_CONF"

export ANSIBLE_FORKS=12
export ANSIBLE_PIPELINING=1
export ANSIBLE_CALLBACK_RESULT_FORMAT=yaml
# Facts under their own names only, as in the strictest of our users' configurations.
export ANSIBLE_INJECT_FACT_VARS=0
