"""A plugin that divides networks among subnets."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated, Any

from kplug import Call, Plugin, Result, Terminal
from msgspec import Meta, Struct, ValidationError, convert

from plan import DoesNotFit, plan


class Subnet(Struct):
    """Who needs how many addresses."""

    name: Annotated[str, Meta(min_length=1, max_length=63)]
    hosts: Annotated[int, Meta(ge=1, le=2**24)]


class Spec(Struct):
    """What of the spec is looked at. Whoever writes something else into it reads what is wrong in the status."""

    network: str
    subnets: Annotated[list[Subnet], Meta(min_length=1, max_length=256)]

    def __post_init__(self) -> None:
        """Finds what types can't say. The user reads the message."""
        IPv4Network(self.network, strict=False)
        if len({subnet.name for subnet in self.subnets}) < len(self.subnets):
            raise ValueError("two subnets have the same name")


class Place(Struct):
    """Where a subnet is."""

    name: str
    network: str


class Status(Struct):
    """What of the status is looked at."""

    subnets: list[Place]


plugin = Plugin("__NAME__", version="0.1.0", api="__API__@__API_VERSION__", spec=Spec)


@plugin.reconcile
def reconcile(call: Call[Spec]) -> Result:
    """Says where each subnet is."""
    spec = call.base.spec
    hosts = {subnet.name: subnet.hosts for subnet in spec.subnets}
    try:
        places = plan(IPv4Network(spec.network, strict=False), hosts, places_in(call.base.status))
    except DoesNotFit as error:
        # Trying again can't help until somebody edits the resource. Any other error is tried again.
        raise Terminal(str(error), reason="DoesNotFit") from error
    return Result(status={"subnets": [describe(name, place) for name, place in places.items()]})


# Nothing is made outside the status, so there is nothing to undo: there is no `@plugin.finalize`.


def places_in(status: Any) -> dict[str, IPv4Network]:
    """What was given before. A status that isn't as this plugin writes it counts as none."""
    try:
        return {place.name: IPv4Network(place.network) for place in convert(status, Status).subnets}
    except (ValidationError, ValueError):
        return {}


def describe(name: str, place: IPv4Network) -> dict[str, str]:
    """A subnet, for the status."""
    return {
        "name": name,
        "network": str(place),
        "firstHost": str(place[1]),
        "lastHost": str(place[-2]),
    }


if __name__ == "__main__":
    plugin.run()
