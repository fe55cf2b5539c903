# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What others have on a host: rules of the administrator's of every kind, fail2ban's, Docker's, podman's."""

from __future__ import annotations

from faults.machines import Machine, each, peer

# What iptables-save prints on a host where Docker, with ip6tables, and podman (netavark) publish a port of a container each.
_CONTAINERS = """\
*nat
:DOCKER - [0:0]
:NETAVARK-HOSTPORT-DNAT - [0:0]
:NETAVARK-HOSTPORT-MASQ - [0:0]
:NETAVARK-HOSTPORT-SETMARK - [0:0]
:NETAVARK-1D8721804F16F - [0:0]
:NETAVARK-DN-1D8721804F16F - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A PREROUTING -m addrtype --dst-type LOCAL -j NETAVARK-HOSTPORT-DNAT
-A OUTPUT ! -d {loopback} -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT -m addrtype --dst-type LOCAL -j NETAVARK-HOSTPORT-DNAT
-A POSTROUTING -s {docker} ! -o docker0 -j MASQUERADE
-A POSTROUTING -s {docker_container} -d {docker_container} -p tcp -m tcp --dport 80 -j MASQUERADE
-A POSTROUTING -j NETAVARK-HOSTPORT-MASQ
-A POSTROUTING -s {podman} -j NETAVARK-1D8721804F16F
-A DOCKER -i docker0 -j RETURN
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8081 -j DNAT --to-destination {docker_port}
-A NETAVARK-1D8721804F16F -d {podman} -j ACCEPT
-A NETAVARK-1D8721804F16F ! -d {multicast} -j MASQUERADE
-A NETAVARK-DN-1D8721804F16F -s {podman} -p tcp -m tcp --dport 8082 -j NETAVARK-HOSTPORT-SETMARK
-A NETAVARK-DN-1D8721804F16F -p tcp -m tcp --dport 8082 -j DNAT --to-destination {podman_port}
-A NETAVARK-HOSTPORT-DNAT -p tcp -m tcp --dport 8082 -m comment --comment "dnat name: podman id: 5f0c" -j NETAVARK-DN-1D8721804F16F
-A NETAVARK-HOSTPORT-MASQ -m comment --comment "netavark portfw masq mark" -m mark --mark 0x2000/0x2000 -j MASQUERADE
-A NETAVARK-HOSTPORT-SETMARK -j MARK --set-xmark 0x2000/0x2000
COMMIT
*filter
:DOCKER - [0:0]
:DOCKER-ISOLATION-STAGE-1 - [0:0]
:DOCKER-ISOLATION-STAGE-2 - [0:0]
:DOCKER-USER - [0:0]
:NETAVARK_FORWARD - [0:0]
:NETAVARK_INPUT - [0:0]
-A INPUT -m comment --comment "netavark firewall rules" -j NETAVARK_INPUT
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A FORWARD -i docker0 -o docker0 -j ACCEPT
-A FORWARD -m comment --comment "netavark firewall plugin rules" -j NETAVARK_FORWARD
-A DOCKER -d {docker_container} ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-1 -j RETURN
-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
-A DOCKER-ISOLATION-STAGE-2 -j RETURN
-A DOCKER-USER -s {enemy} -j DROP
-A DOCKER-USER -j RETURN
-A NETAVARK_FORWARD -d {podman} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A NETAVARK_FORWARD -s {podman} -j ACCEPT
-A NETAVARK_INPUT -s {podman} -p udp -m udp --dport 53 -j ACCEPT
COMMIT
"""
CONTAINERS = {
    "iptables": _CONTAINERS.format(
        loopback="127.0.0.0/8",
        docker="172.17.0.0/16",
        docker_container="172.17.0.2/32",
        docker_port="172.17.0.2:80",
        podman="10.88.0.0/16",
        podman_port="10.88.0.2:80",
        multicast="224.0.0.0/4",
        enemy="203.0.113.67/32",
    ),
    "ip6tables": _CONTAINERS.format(
        loopback="::1/128",
        docker="fd00:d0c::/80",
        docker_container="fd00:d0c::2/128",
        docker_port="[fd00:d0c::2]:80",
        podman="fd00:90d::/64",
        podman_port="[fd00:90d::2]:80",
        multicast="ff00::/8",
        enemy="2001:db8::67/128",
    ),
}

# fail2ban bans with what suits the firewall; under firewalld with nftables, for what it adds to firewalld runs only.
_BAN_ACTION = {
    "firewalld": 'nftables-allports[protocol="tcp,udp", blocktype=drop]',
    "ufw": "ufw[blocktype=deny]",
    "iptables": "iptables-allports[protocol=all, blocktype=DROP]",
    "nftables": 'nftables-allports[protocol="tcp,udp", blocktype=drop]',
}
BANNED = peer("unwanted")
_JAIL = """\
[lab]
enabled = true
filter = sshd
backend = polling
logpath = /var/log/lab.log
action = {action}
bantime = 1d
"""

# Rules of the administrator's own, of every kind that the firewall has.
_RULES = {
    "firewalld": """
        permanent() { firewall-cmd --permanent "$@"; }
        permanent --new-zone=corporate
        permanent --zone=corporate --set-target=REJECT
        permanent --zone=corporate --add-source=192.0.2.0/24
        permanent --zone=corporate --add-service=ssh
        permanent --new-service=backup
        permanent --service=backup --add-port=10080/tcp
        permanent --new-ipset=partners --type=hash:net
        permanent --ipset=partners --add-entry=198.51.100.0/24
        permanent --new-policy=no-telnet
        permanent --policy=no-telnet --add-ingress-zone=HOST
        permanent --policy=no-telnet --add-egress-zone=ANY
        permanent --policy=no-telnet --add-rich-rule='rule service name=telnet reject'
        permanent --zone=public --add-service=backup
        permanent --zone=public --add-port=2222/tcp
        permanent --zone=public --add-rich-rule='rule family=ipv4 source ipset=partners service name=backup log prefix=backup accept'
        permanent --zone=public --add-rich-rule='rule family=ipv6 source address=2001:db8::66 drop'
        permanent --zone=public --add-forward-port=port=8083:proto=tcp:toport=2222
        permanent --zone=public --add-icmp-block=redirect
        permanent --direct --add-rule ipv4 filter FORWARD 0 -s 203.0.113.68 -j DROP
        firewall-cmd --reload
        """,
    "ufw": """
        printf '[backup]\ntitle=Backup\ndescription=Ours\nports=10080/tcp\n' > /etc/ufw/applications.d/backup
        ufw allow from 198.51.100.0/24 to any app backup
        ufw deny from 203.0.113.66 comment 'Known scanner'
        ufw reject from 2001:db8::66
        ufw limit 2222/tcp
        ufw allow in on eth0 log-all to any port 9100 proto tcp comment 'avi-ation meters'
        ufw route allow in on eth0 out on eth1 to 192.0.2.7 port 80 proto tcp
        ufw deny out to 203.0.113.68
        ufw logging medium
        """,
    "iptables": """
        ipset create partners hash:net
        ipset add partners 198.51.100.0/24
        ipset create partners6 hash:net family inet6
        own() {
          $1 -N CORPORATE
          $1 -A CORPORATE -m set --match-set "$2" src -p tcp --dport 10080 -j ACCEPT
          $1 -A CORPORATE -s "$3" -j DROP
          $1 -A INPUT -m comment --comment 'avi-ation meters' -j CORPORATE
          $1 -A INPUT -p tcp --dport 2222 -m limit --limit 5/min -j ACCEPT
          $1 -A INPUT -m limit --limit 3/min -j LOG --log-prefix 'dropped '
          $1 -t mangle -A PREROUTING -p tcp --dport 2222 -j MARK --set-mark 7
        }
        own iptables partners 203.0.113.66
        own ip6tables partners6 2001:db8::66
        """,
    "nftables": """
        nft -f - <<'END'
        table inet filter {
          set partners { type ipv4_addr; flags interval; elements = { 198.51.100.0/24 } }
          chain corporate {
            ip saddr @partners tcp dport 10080 accept comment "avi-ation meters"
            ip saddr 203.0.113.66 drop
            ip6 saddr 2001:db8::66 counter drop
          }
          chain input {
            jump corporate
            tcp dport 2222 limit rate 5/minute accept
            log prefix "dropped "
          }
          chain forward { type filter hook forward priority filter; policy drop; }
        }
END
        """,
}

# A table of somebody else's, which no firewall here knows of; its names are near to ours.
_TABLE = """
    nft -f - <<'END'
    table inet avionics {
      set avi_pilots { type ipv6_addr; elements = { 2001:db8::99 } }
      chain watch { type filter hook input priority -200; policy accept; ip6 saddr @avi_pilots counter drop; }
    }
END
"""


def load_containers(host: Machine) -> None:
    """Load the rules of Docker and podman beside what there is."""
    for command, rules in CONTAINERS.items():
        host.sh(f"{command}-restore --noflush <<'END'\n{rules}END\n")


def _populate(backend: str, host: Machine) -> None:
    host.sh(_RULES[backend])
    if backend != "firewalld":  # whose every reload flushes iptables: test_firewalld_runtime.py
        load_containers(host)
    host.sh(_TABLE)
    host.sh("touch /var/log/lab.log")
    host.write("/etc/fail2ban/jail.local", _JAIL.format(action=_BAN_ACTION[backend]))
    host.sh(f"""
        systemctl enable --now fail2ban
        until fail2ban-client status lab >/dev/null 2>&1; do sleep 0.2; done
        fail2ban-client set lab banip {" ".join(BANNED)}
        for address in {" ".join(BANNED)}; do until nft list ruleset | grep -q "$address"; do sleep 0.2; done; done
        """)


def populate(hosts: dict[str, Machine]) -> None:
    """Put everything of this file onto hosts that are closed; the key is the firewall of each."""
    each(lambda one: _populate(*one), hosts.items())
