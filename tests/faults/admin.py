# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the administrator of a host types, for each firewall: shell scripts, so that no test knows a firewall's language.

``deny`` and its like speak of both addresses of a peer, catch-alls of both families.
"""

from __future__ import annotations

from collections.abc import Callable

from faults.machines import Machine, addresses, each

BACKENDS = ("firewalld", "ufw", "iptables", "nftables")

# Lets nothing in, now and after a boot. What comes first of all, loopback, answers and neighbours, stays possible.
CLOSE = {
    "firewalld": """
        systemctl --quiet enable firewalld
        firewall-offline-cmd --zone=public --remove-service-from-zone=ssh
        firewall-offline-cmd --zone=public --remove-service-from-zone=dhcpv6-client
        systemctl start firewalld
        firewall-cmd --get-default-zone  # it says that it runs before it does, and answers no question before
        """,
    "ufw": """
        ufw default deny incoming
        ufw --force enable
        systemctl --quiet enable --now ufw
        ufw allow 9/tcp  # with its first rule it also loads some of its own that it left out
        ufw delete allow 9/tcp
        """,
    "iptables": """
        rules() {
          printf '%s\n' '*filter' ':INPUT DROP [0:0]' ':FORWARD ACCEPT [0:0]' ':OUTPUT ACCEPT [0:0]' '-A INPUT -i lo -j ACCEPT' \
            '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT' "-A INPUT -p $1 -j ACCEPT" COMMIT
        }
        mkdir -p /etc/iptables
        rules icmp > /etc/iptables/rules.v4
        rules ipv6-icmp > /etc/iptables/rules.v6
        if [ -x /usr/sbin/netfilter-persistent ]; then unit=netfilter-persistent; else unit=lab-iptables; fi
        systemctl --quiet enable $unit
        systemctl restart $unit
        """,
    "nftables": """
        cat > /etc/nftables.conf <<'END'
#!/usr/sbin/nft -f
flush ruleset

table inet filter {
    chain input {
        type filter hook input priority filter; policy drop;
        iifname "lo" accept
        ct state established,related accept
        meta l4proto { icmp, ipv6-icmp } accept
    }
}
END
        systemctl --quiet enable --now nftables
        """,
}

# How the peer is shut out, of everything or (``what``) of a port: a last rule, where the firewall has an order.
_DENY: dict[str, Callable[[str, str], str]] = {
    "firewalld": lambda address, port: (
        f"""for scope in '' --permanent; do
          firewall-cmd $scope --add-rich-rule='rule family={_family(address)} source address={address} {_rich(port)} drop'
        done"""
    ),
    "ufw": lambda address, port: f"ufw deny {f'proto tcp from {address} to any port {port}' if port else f'from {address}'}",
    "iptables": lambda address, port: f"{_iptables(address)} -A INPUT -s {address} {f'-p tcp --dport {port}' if port else ''} -j DROP",
    "nftables": lambda address, port: (
        f"nft add rule inet filter input {'ip6' if ':' in address else 'ip'} saddr {address} {f'tcp dport {port}' if port else ''} drop"
    ),
}


def _family(address: str) -> str:
    return "ipv6" if ":" in address else "ipv4"


def _rich(port: str) -> str:
    return f"port port={port} protocol=tcp" if port else ""


def _iptables(address: str) -> str:
    return "ip6tables" if ":" in address else "iptables"


# The catch-all as a last rule, of a firewall that would let everything in without it.
CATCH_ALL = {
    "firewalld": """
        firewall-cmd --permanent --zone=public --set-target=DROP
        firewall-cmd --reload
        """,
    "ufw": """
        ufw default allow incoming
        ufw deny in from any to any
        """,
    "iptables": """
        catch() {
          $1 -P INPUT ACCEPT
          $1 -A INPUT -j LOG --log-prefix 'refused '
          $1 -A INPUT -j REJECT --reject-with "$2"
        }
        catch iptables icmp-host-prohibited
        catch ip6tables icmp6-adm-prohibited
        """,
    "nftables": """
        nft add chain inet filter input '{ policy accept; }'
        nft add rule inet filter input limit rate 5/minute log prefix '"refused "'
        nft add rule inet filter input counter reject with icmpx admin-prohibited
        """,
}

# The same, with what most rulesets put in front of it: ways of their own to refuse some kinds of packets.
CATCH_KINDS = {
    "iptables": """
        catch() {
          $1 -P INPUT ACCEPT
          $1 -A INPUT -m conntrack --ctstate INVALID -j DROP
          $1 -A INPUT -p udp -j REJECT --reject-with "$2"
          $1 -A INPUT -p tcp -m limit --limit 5/sec -j REJECT --reject-with "$2"
          $1 -A INPUT -p tcp -j DROP
          $1 -A INPUT -j REJECT --reject-with "$2"
        }
        catch iptables icmp-host-prohibited
        catch ip6tables icmp6-adm-prohibited
        """,
    "nftables": """
        nft -f - <<'END'
        table inet filter {
          chain input {
            ct state invalid drop
            meta l4proto udp reject with icmpx admin-prohibited
            pkttype host limit rate 5/second counter reject with icmpx admin-prohibited
            counter
          }
        }
END
        """,
}

# The catch-all in a chain of the administrator's own, as the last rule; and how an address is denied there.
OWN_CHAIN = {
    "iptables": "for command in iptables ip6tables; do $command -N last; $command -A last -j DROP; $command -A INPUT -j last; done",
    "nftables": "nft add chain inet filter last; nft add rule inet filter last drop; nft add rule inet filter input jump last",
}
_DENY_INSIDE: dict[str, Callable[[str], str]] = {
    "iptables": lambda address: f"{_iptables(address)} -I last -s {address} -j DROP",
    "nftables": lambda address: f"nft insert rule inet filter last {'ip6' if ':' in address else 'ip'} saddr {address} drop",
}

# The catch-all put in later: as the last rule, and before every rule that lets in anybody (``first``). firewalld has no such order.
LATE_CATCH_ALL = {
    "last": {
        "firewalld": "for scope in '' --permanent; do firewall-cmd $scope --add-rich-rule='rule priority=32767 drop'; done",
        "ufw": "ufw deny in from any to any",
        "iptables": "for command in iptables ip6tables; do $command -A INPUT -j DROP; done",
        "nftables": "nft add rule inet filter input drop",
    },
    "first": {
        "ufw": "ufw delete deny in from any to any; ufw prepend deny from any",
        "iptables": "for command in iptables ip6tables; do $command -I INPUT 4 -j DROP; done",
        "nftables": """
            handle=$(nft -a list chain inet filter input | sed -n 's/.*l4proto.* handle //p')
            nft add rule inet filter input position "$handle" drop
            """,
    },
}


def close(hosts: dict[str, Machine]) -> None:
    """Let nothing into these hosts; the key is the firewall of each, or begins with it."""
    each(lambda one: one[1].sh(CLOSE[one[0].split("-")[0]]), hosts.items())


def deny(backend: str, host: Machine, number: int, port: str = "") -> None:
    """Shut out the host with this number, from everything or from one TCP port."""
    host.sh("\n".join(_DENY[backend](address, port) for address in addresses(number)))


def deny_inside(backend: str, host: Machine, number: int) -> None:
    """Shut out the host with this number in the administrator's own chain."""
    host.sh("\n".join(map(_DENY_INSIDE[backend], addresses(number))))


def deny_by_map(host: Machine, number: int) -> None:
    """Shut out the host with this number in a verdict map of nftables."""
    for address in addresses(number):
        host.sh(f"nft add rule inet filter input {'ip6' if ':' in address else 'ip'} saddr vmap '{{ {address} : drop }}'")


def everywhere(scripts: dict[str, str], hosts: dict[str, Machine]) -> None:
    """Run the script of its firewall on each host."""
    each(lambda backend: hosts[backend].sh(scripts[backend]), hosts)
