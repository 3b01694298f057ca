"""Division of networks among subnets, independent of Kplug."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network


class DoesNotFit(Exception):
    """The network is too small. The message is for the user."""


def plan(
    network: IPv4Network, hosts: Mapping[str, int], before: Mapping[str, IPv4Network] | None = None
) -> dict[str, IPv4Network]:
    """Assigns each subnet the smallest block for its hosts, at the first free place.

    A subnet keeps its place `before` as long as it fits there, so that its addresses don't change because of other
    subnets.
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
                raise DoesNotFit(f"{network} has no space left for {name} with {number} hosts; choose a larger network")
            places[name] = found
    return {name: places[name] for name in hosts}


def find_place(network: IPv4Network, prefix: int, taken: Iterable[IPv4Network]) -> IPv4Network | None:
    """Finds the first free block of a size, which begins at a multiple of its size."""
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
    """Returns the prefix length of a block for hosts, the network address and the broadcast address."""
    return 32 - (hosts + 1).bit_length()


def end(network: IPv4Network) -> int:
    """Returns the address after the last one of a network."""
    return int(network.network_address) + network.num_addresses
