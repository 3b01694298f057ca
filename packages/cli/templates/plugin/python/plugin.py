"""Plugin that divides networks among subnets."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated, Any

from kplug import Call, Plugin, Result, Terminal
from msgspec import Meta, Struct, ValidationError, convert

from plan import DoesNotFit, plan


class Subnet(Struct):
    """Requested subnet."""

    name: Annotated[str, Meta(min_length=1, max_length=63)]
    hosts: Annotated[int, Meta(ge=1, le=2**24)]


class Spec(Struct):
    """Fields of the spec that the plugin uses. The status of an invalid resource describes the error."""

    network: str
    subnets: Annotated[list[Subnet], Meta(min_length=1, max_length=256)]

    def __post_init__(self) -> None:
        """Validates what types can't express. The user reads the message."""
        IPv4Network(self.network, strict=False)
        if len({subnet.name for subnet in self.subnets}) < len(self.subnets):
            raise ValueError("two subnets have the same name")


class Place(Struct):
    """Network of a subnet."""

    name: str
    network: str


class Status(Struct):
    """Fields of the status that the plugin uses."""

    subnets: list[Place]


plugin = Plugin("__NAME__", version="0.1.0", api="__API__@__API_VERSION__", spec=Spec)


@plugin.reconcile
def reconcile(call: Call[Spec]) -> Result:
    """Writes the network of each subnet into the status."""
    spec = call.base.spec
    hosts = {subnet.name: subnet.hosts for subnet in spec.subnets}
    try:
        places = plan(IPv4Network(spec.network, strict=False), hosts, places_in(call.base.status))
    except DoesNotFit as error:
        # A retry can't succeed until the resource is edited. Any other error is retried.
        raise Terminal(str(error), reason="DoesNotFit") from error
    return Result(status={"subnets": [describe(name, place) for name, place in places.items()]})


# `reconcile` creates nothing outside of the status, so `@plugin.finalize` is not needed.


def places_in(status: Any) -> dict[str, IPv4Network]:
    """Reads the previous places from a status. A status that another plugin wrote is ignored."""
    try:
        return {place.name: IPv4Network(place.network) for place in convert(status, Status).subnets}
    except (ValidationError, ValueError):
        return {}


def describe(name: str, place: IPv4Network) -> dict[str, str]:
    """Encodes a subnet for the status."""
    return {
        "name": name,
        "network": str(place),
        "firstHost": str(place[1]),
        "lastHost": str(place[-2]),
    }


if __name__ == "__main__":
    plugin.run()
