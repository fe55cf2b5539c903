# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A few flows for the formats to load, typed by hand after the page of release 22.1."""

from __future__ import annotations

CONTROLLERS = ["192.0.2.11/32", "192.0.2.12/31", "2001:db8::11/128", "2001:db8::12/127"]
ENGINES = ["10.4.0.0/24", "10.4.1.0/25", "2001:db8:4::/64"]


def flow(name, source, sources, destination, destinations, protocol, port):
    return {
        "source": source,
        "source_networks": sources,
        "destination": destination,
        "destination_networks": destinations,
        "protocol": protocol,
        "port": port,
        "name": name,
        # What a person wrote, which must not get into a configuration.
        "why": 'Because.\n permit ip any any\n*/ "',
        "document": "matrix_page",
        "feature": None,
        "release": "22.1",
    }


CLUSTER = flow("cluster_portal", "controller", CONTROLLERS, "controller", CONTROLLERS, "tcp", 8443)
PORTAL = flow("system_portal", "service_engine", ENGINES, "controller", CONTROLLERS, "tcp", 8443)
HTTPS = flow("https", "management_client", ["198.51.100.0/24", "2001:db8:5::/48"], "controller", CONTROLLERS, "tcp", 443)
# Overlaps with management_client.
AKO = flow("ako", "ako", ["198.51.100.128/25"], "controller", CONTROLLERS, "tcp", 443)
SNMP = flow("snmp", "management_client", ["0.0.0.0/0", "::/0"], "controller", CONTROLLERS, "udp", 161)
SMTP = flow("smtp", "controller", CONTROLLERS, "smtp_server", ["192.0.2.25/32"], "tcp", 25)
# Service Engines of one network are dialled at another port.
SYNC = flow("object_sync", "service_engine", ENGINES, "service_engine", ["10.4.0.0/24"], "tcp", 9001)
SYNC_6 = flow("object_sync", "service_engine", ENGINES, "service_engine", ["10.4.1.0/25", "2001:db8:4::/64"], "tcp", 4001)
ECHO = flow("echo", "service_engine", ENGINES, "controller", CONTROLLERS, "icmp", None)
ETHERIP = flow("etherip", "service_engine", ENGINES, "service_engine", ENGINES, "ip-97", None)

PORTS = [CLUSTER, PORTAL, HTTPS, AKO, SNMP, SMTP, SYNC, SYNC_6]
