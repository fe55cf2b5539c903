# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
name: release_diff
short_description: What changes in the port matrix from one release to another
version_added: 0.1.0
author: avi.firewall contributors (@avi-firewall)
description:
  - Returns the rows that are added, removed or changed, as data and as a table in Markdown for a change board. Nothing is asked of any
    host.
  - A row is added or removed by what was found written for the two releases. Removed does not say that the port is not needed. Of 20.1 and
    later the management plane was read; where that is why a row differs, it is unknown whether it changed.
options:
  _terms:
    description: Nothing. The releases are options.
    type: list
    elements: str
  from:
    description: The release before.
    type: str
    required: true
  to:
    description: The release after.
    type: str
    required: true
  features:
    description:
      - The optional features whose rows are wanted, too; each is one of a release of the two. P(avi.firewall.port_matrix#lookup) lists
        them.
    type: list
    elements: str
    default: []
seealso:
  - plugin: avi.firewall.port_matrix
    plugin_type: lookup
"""

EXAMPLES = """
- name: Write the table for the change board
  ansible.builtin.copy:
    content: "{{ lookup('avi.firewall.release_diff', from='16.2', to='16.3')['markdown'] }}"
    dest: release_diff.md
    mode: "0644"
  delegate_to: localhost

- name: The ports that come with 22.1
  ansible.builtin.debug:
    msg: >-
      {{ lookup('avi.firewall.release_diff', from='21.1', to='22.1', features=['ako'])['added']
         | community.general.json_query('[].[source, destination, protocol, port]') }}
"""

RETURN = """
_raw:
  description: One element, the difference.
  type: list
  elements: dict
  contains:
    from:
      description: The release before.
      type: str
    to:
      description: The release after.
      type: str
    features:
      description: The features whose rows are in it.
      type: list
      elements: str
    added:
      description: The rows that only the release after has, as P(avi.firewall.port_matrix#lookup) returns them.
      type: list
      elements: dict
    removed:
      description: The rows that only the release before has.
      type: list
      elements: dict
    changed:
      description: The rows that both have and that differ in protocol, port, feature, runtime or reason, each with C(before) and C(after).
      type: list
      elements: dict
    unknown:
      description:
        - The rows that differ because the part of a release that would have them was not read, each with C(before) and C(after), of which
          one may be null.
      type: list
      elements: dict
    markdown:
      description: All of it as a table.
      type: str
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.avi.firewall.plugins.plugin_utils import _port_matrix, _release_diff


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        self.set_options(direct=kwargs)
        options = self.get_options()
        if unknown := sorted(kwargs.keys() - options.keys()) or terms:
            allowed = ", ".join(sorted(options.keys() - {"_terms"}))
            raise AnsibleLookupError(f"release_diff has no option {', '.join(map(str, unknown))}; its options are {allowed}")
        try:
            found = _release_diff.diff(options["from"], options["to"], options["features"])
        except _port_matrix.PortMatrixError as exc:
            raise AnsibleLookupError(f"release_diff: {exc}") from exc
        return [{**found, "markdown": _release_diff.markdown(found)}]
