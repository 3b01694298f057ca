from ipaddress import IPv4Network

import pytest

from plan import DoesNotFit, plan

NETWORK = IPv4Network("10.20.0.0/22")


def places(hosts: dict[str, int], before: dict[str, str] | None = None) -> dict[str, str]:
    """Returns the network of each subnet."""
    had = {name: IPv4Network(place) for name, place in (before or {}).items()}
    return {name: str(place) for name, place in plan(NETWORK, hosts, had).items()}


def test_each_subnet_gets_a_block_for_its_hosts() -> None:
    assert places({"a": 254, "b": 255, "c": 2}) == {"a": "10.20.0.0/24", "b": "10.20.2.0/23", "c": "10.20.1.0/30"}


def test_existing_subnets_keep_their_place_and_removed_ones_free_theirs() -> None:
    before = places({"printers": 10, "desks": 200, "phones": 60})
    assert places({"phones": 60, "cameras": 100, "printers": 10}, before) == {
        "phones": before["phones"],
        "cameras": "10.20.0.128/25",
        "printers": before["printers"],
    }


def test_a_subnet_that_outgrows_its_place_moves_and_the_others_do_not() -> None:
    before = places({"desks": 100, "phones": 60})
    assert places({"desks": 300, "phones": 60}, before) == {"desks": "10.20.2.0/23", "phones": before["phones"]}


def test_places_that_are_outside_of_the_network_or_overlap_are_not_kept() -> None:
    before = {"a": "10.99.0.0/24", "b": "10.20.1.0/24", "c": "10.20.1.0/24"}
    assert places({"a": 200, "b": 200, "c": 200}, before) == {
        "a": "10.20.0.0/24",
        "b": "10.20.1.0/24",
        "c": "10.20.2.0/24",
    }


def test_too_many_hosts_are_an_error_that_names_the_subnet() -> None:
    with pytest.raises(DoesNotFit, match=r"10\.20\.0\.0/22 has no space left for b with 600 hosts"):
        places({"a": 200, "b": 600})
