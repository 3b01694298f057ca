from kplug.testing import PluginTester

from plugin import Spec, Subnet, plugin

tester = PluginTester(plugin)
SPEC = Spec(network="10.20.0.0/22", subnets=[Subnet("desks", 200)])


def test_the_status_has_the_addresses_of_each_subnet() -> None:
    answer = tester.reconcile({"spec": SPEC})
    answer.assert_outcome("Success")
    desks = {"name": "desks", "network": "10.20.0.0/24", "firstHost": "10.20.0.1", "lastHost": "10.20.0.254"}
    assert answer.status == {"subnets": [desks]}


def test_a_subnet_keeps_the_place_that_the_status_has() -> None:
    status = {"subnets": [{"name": "desks", "network": "10.20.2.0/24"}]}
    answer = tester.reconcile({"spec": SPEC, "status": status})
    assert answer.status is not None
    assert answer.status["subnets"][0]["network"] == "10.20.2.0/24"


def test_a_network_that_is_too_small_is_a_failure_that_no_retry_ends() -> None:
    answer = tester.reconcile({"spec": Spec("10.20.0.0/30", SPEC.subnets)})
    answer.assert_outcome("Terminal", reason="DoesNotFit")


def test_an_invalid_resource_is_refused_with_the_field() -> None:
    answer = tester.reconcile({"spec": {"network": "10.20.0.0/22", "subnets": [{"name": "desks", "hosts": 0}]}})
    answer.assert_outcome("Terminal", reason="InvalidSpec")
    assert ".spec.subnets[0].hosts" in answer.message
