"""Divides networks among subnets; knows nothing of Kplug."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network


class DoesNotFit(Exception):
    """The network is too small. The message is for whoever asked for the subnets."""


def plan(
    network: IPv4Network, hosts: Mapping[str, int], before: Mapping[str, IPv4Network] | None = None
) -> dict[str, IPv4Network]:
    """Gives each subnet the smallest block that holds its hosts, at the first place that is free.

    A subnet that had a place `before` keeps it for as long as it fits there, so that nobody's addresses change for
    another's sake.
    """
    places: dict[str, IPv4Network] = {}
    for name, place in (before or {}).items():
        fits = name in hosts and place.prefixlen == prefix_for(hosts[name]) and place.subnet_of(network)
        if fits and not any(place.overlaps(other) for other in places.values()):
            places[name] = place
    for name, number in hosts.items():
        if name not in places:
            found = find_place(network, prefix_for(number), places.values())
            if found is None:
                raise DoesNotFit(f"{network} has no room left for {name} with {number} hosts; take a larger network")
            places[name] = found
    return {name: places[name] for name in hosts}


def find_place(network: IPv4Network, prefix: int, taken: Iterable[IPv4Network]) -> IPv4Network | None:
    """The first place of a size, which begins at a multiple of it."""
    size = 2 ** (32 - prefix)
    first = int(network.network_address)
    while first + size <= end(network):
        block = IPv4Network((first, prefix))
        obstacle = next((other for other in taken if other.overlaps(block)), None)
        if obstacle is None:
            return block
        first = -(-end(obstacle) // size) * size
    return None


def prefix_for(hosts: int) -> int:
    """Of a block that has room for the network's own address and the one for broadcasts too."""
    return 32 - (hosts + 1).bit_length()


def end(network: IPv4Network) -> int:
    """The address after the last one."""
    return int(network.network_address) + network.num_addresses
