# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every backend shares on the managed host. Python 3.9, standard library only."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import ipaddress
import os
import shutil
import stat
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Union

# Every file and object of ours that can carry a description carries this one: it tells ours from foreign ones.
MARK = "Managed by the Ansible collection avi.firewall; do not edit."

# What others have written may be in any encoding: what is no UTF-8 is kept byte by byte.
TEXT = {"encoding": "utf-8", "errors": "surrogateescape"}

# Everyone's network, by the word that a flow has for the family.
EVERYONE = {"ipv4": "0.0.0.0/0", "ipv6": "::/0"}

# Only root may write to its folder.
LOCK = Path("/run/avi-firewall.lock")

# Against somebody else who changes rules at the same time.
ATTEMPTS = 10

# /usr/sbin is not on the path of every user and unit that runs this.
ENVIRONMENT = {**os.environ, "LC_ALL": "C", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
Binding = dict[str, Any]


class HostError(Exception):
    """The host is not in a state in which the rules can be applied. Nothing was changed."""


@dataclass
class Request:
    """What is wanted of a host for one node type.

    ``part`` is the short name of the node type (con, se, node), ``flows`` the list that ``_plan.flows`` returns,
    ``addresses`` are those of the host itself, ``published`` the ports (``protocol``, ``port``) that a container publishes on it.
    No flows: everything of this part has to go; a port that is published is closed then.
    """

    node: str
    part: str
    flows: list[dict[str, Any]] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    interfaces: list[str] = field(default_factory=list)
    zone: str | None = None
    nftables_chain: str | None = None
    may_reload: bool = False
    published: list[dict[str, Any]] = field(default_factory=list)

    @property
    def prefix(self) -> str:
        """What the names of everything that belongs to this part begin with."""
        return f"avi-{self.part}-"

    @property
    def mark(self) -> str:
        """The comment of the rules that lead to this part."""
        return f"avi:{self.node}"

    def in_direction(self, direction: str) -> list[dict[str, Any]]:
        """Return the flows that come ``in`` or go ``out``."""
        return [flow for flow in self.flows if flow["direction"] == direction]


# Who gets in: protocol, port and network.
Access = tuple[str, int, str]


@dataclass
class Snapshot:
    """What a firewall held of a part before a change: its rules, in the backend's own form, and the files it keeps for the next boot.

    All of it can be written as JSON; a file that was not there has no text.
    """

    backend: str
    request: Request
    state: dict[str, Any]
    files: dict[str, str | None]


@dataclass
class Change:
    """What one firewall holds of a part and shall hold, a line each, and how to get there.

    ``apply`` makes the change; whether with the bindings, is its argument. ``bindings``, to be asked for after it, are what is left to the
    backend's standard module, the options of a call each. ``finish`` removes, once the change stands, what would bring the former rules
    back at a boot; ``leftover`` are the lines of ``before`` that it is about. ``lets_in`` is who gets in before the change.
    """

    before: list[str]
    after: list[str]
    apply: Callable[[bool], None]
    snapshot: Snapshot
    lets_in: list[Access] = field(default_factory=list)
    bindings: Callable[[], list[Binding]] = list
    finish: Callable[[], None] = lambda: None
    leftover: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def needed(self) -> bool:
        """Say whether there is anything to do."""
        return self.before != self.after

    @property
    def stands(self) -> bool:
        """Say whether there is nothing to do but to finish."""
        return [line for line in self.before if line not in self.leftover] == self.after


def refuse_unreached(where: str, stopping: str, behind: str) -> None:
    """Raise the error for a deny behind a rule that stops all, which ours cannot come before and after."""
    raise HostError(
        f"{where} stops everything with {stopping}, but holds {behind} behind it, which is never reached: ours before the one "
        "would let in whom the other denies. Put the deny first, or take it out"
    )


def refuse_inside(where: str, stopping: str, inside: str) -> None:
    """Raise the error for a deny in a chain that stops all at its end, which ours cannot come before and after."""
    raise HostError(
        f"{where} stops everything with {stopping}, which leads to {inside}: ours before the one would let in whom the other denies. "
        "Put the deny before the jump, or take it out"
    )


def persist(attempt: Callable[[], None]) -> None:
    """Try again what others may have made impossible since it was prepared; ``attempt`` looks anew each time."""
    for left in reversed(range(ATTEMPTS)):
        try:
            attempt()
            break
        except HostError:
            if not left:
                raise


@contextlib.contextmanager
def lock(seconds: int = 60) -> Iterator[None]:
    """Keep other runs out meanwhile. Raises HostError when one keeps us out for ``seconds``.

    The lock is on a file that only root can open: nobody else can keep us out. Like the change that is pending it belongs to the file
    system, and it goes with the process that holds it.
    """
    held = None
    for left in range(seconds, -1, -1):
        held = _hold()
        if held is not None:
            break
        if not left:
            raise HostError(f"another run has changed the rules of this host for {seconds} seconds")
        time.sleep(1)
    try:
        yield
    finally:
        LOCK.unlink(missing_ok=True)  # while it is held: who has opened it meanwhile finds it gone, and opens it anew
        os.close(held)


def _hold() -> int | None:
    """Return the descriptor of the file that is locked now, None where somebody else has it. No child inherits it."""
    descriptor = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), LOCK.lstat()):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None


def _ran(command: Sequence[str], **options: Any) -> subprocess.CompletedProcess[Any]:
    """Run ``command``, whatever comes of it. There is no AnsibleModule, with its run_command, where systemd takes a change back."""
    return subprocess.run(command, capture_output=True, env=ENVIRONMENT, check=False, **options)  # pylint: disable=ansible-bad-function


def run(*command: str, stdin: str | None = None) -> str:
    """Run ``command`` and return what it printed. Raises HostError for an exit code other than 0."""
    try:
        done = _ran(command, input=stdin, **TEXT)
    except FileNotFoundError as exc:
        raise HostError(f"the command {command[0]} is missing on this host") from exc
    if done.returncode != 0:
        raise HostError(f"{' '.join(command)} failed ({done.returncode}): {(done.stderr or done.stdout).strip()}")
    return done.stdout


def printable(value: Any) -> Any:
    """Return ``value``, which a module is to say, with every byte of others that is no UTF-8 as an escape: Ansible refuses it otherwise."""
    if isinstance(value, dict):
        return {printable(key): printable(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [printable(inner) for inner in value]
    return value.encode(**TEXT).decode("utf-8", "backslashreplace") if isinstance(value, str) else value


def succeeds(*command: str) -> bool:
    """Say whether ``command`` exists and exits with 0."""
    try:
        return _ran(command).returncode == 0
    except FileNotFoundError:
        return False


def missing(command: str) -> bool:
    """Say whether ``command`` is not there."""
    return shutil.which(command, path=ENVIRONMENT["PATH"]) is None


def left_in_kernel(*commands: str) -> list[str]:
    """Return a warning for each of ``commands`` that is not there any more to take our rules away."""
    return [
        f"the command {command} is missing on this host: what rules of ours it may have left in the kernel go with the next boot"
        for command in commands
        if missing(command)
    ]


def write(path: Path, content: str | bytes, mode: int | None = None) -> None:
    """Write ``content`` to ``path`` so that a reader, and a power cut, sees the old file or the new one.

    ``mode`` are its permissions; by default it keeps those it has, and a new one can be read by all.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if mode is None:
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o644
    fresh = _fresh(path)
    try:
        with fresh.open("wb") as file:
            fresh.chmod(mode)
            file.write(content if isinstance(content, bytes) else content.encode(**TEXT))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink()
        raise


def remove(path: Path) -> None:
    """Remove ``path``, and what a write of it that was cut off may have left."""
    path.unlink(missing_ok=True)
    _fresh(path).unlink(missing_ok=True)


def _fresh(path: Path) -> Path:
    return path.with_name(f".{path.name}.avi-firewall")


def short(network: str) -> str:
    """Return ``network`` the way firewalls print it: a host without its /32 or /128."""
    base, slash, length = network.partition("/")
    return base if slash and length == ("128" if ":" in base else "32") else network


def within(networks: Iterable[Network], others: Iterable[Network]) -> set[Network]:
    """Return those of ``networks`` that lie within one of ``others``; all are of one family."""
    there = set(others)
    lengths = {other.prefixlen for other in there}
    return {one for one in networks if any(length <= one.prefixlen and one.supernet(new_prefix=length) in there for length in lengths)}


@functools.cache
def _network(text: str) -> Network:
    return ipaddress.ip_network(text, strict=False)


def overlap(one: str, other: str) -> bool:
    """Say whether two networks, which may have host bits, have an address in common. Raises ValueError for what is none."""
    first, second = _network(one), _network(other)
    return first.version == second.version and first.overlaps(second)


def may_meet(one: str, networks: Iterable[str]) -> bool:
    """Say whether ``one`` overlaps one of ``networks``, or is no network that we could tell by."""
    try:
        return any(overlap(one, network) for network in networks)
    except ValueError:
        return True


def is_everyone(networks: Sequence[str]) -> bool:
    """Say whether ``networks`` (collapsed, of one family) is the whole family, which no set can hold."""
    return list(networks) in ([network] for network in EVERYONE.values())
