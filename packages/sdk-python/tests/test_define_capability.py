"""Plugins that provide capabilities. mypy must report exactly the errors that are marked here."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from conftest import Serve, only_message, request
from typing_extensions import assert_type

from kplug import (
    Api,
    CapabilityOwner,
    Dependent,
    Dependents,
    FinalizeCall,
    InvalidDefinition,
    Plugin,
    Provided,
    define_capability,
    name_from,
)
from kplug.v1 import plugin_pb2


@dataclass
class Spec:
    storage: str = "1Gi"


Postgresql = CapabilityOwner[Spec, Literal["postgresql"], Literal["16", "17"]]
Mariadb = CapabilityOwner[Spec, Literal["mariadb"], Literal["11.4"]]
Database = Postgresql | Mariadb
seen: list[Database] = []


def dependents(owner: Database, observed: Dependents) -> list[Dependent]:
    seen.append(owner)
    if owner.type == "mariadb":
        assert_type(owner.version, Literal["11.4"])
        if owner.version == "17":  # type: ignore[comparison-overlap]
            raise ValueError
    else:
        assert_type(owner.version, Literal["16", "17"])
    assert_type(owner.spec.storage, str)
    name = name_from(owner.base, "db")
    manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {"n": len(observed)}}
    return [Dependent(manifest, policy="CreateOnly", retain=True)]


def status(owner: Database, observed: Dependents) -> dict[str, object] | None:
    secret = observed.get("Secret", name_from(owner.base, "db"))
    return None if secret is None else {"host": f"{owner.name}.{owner.namespace}", "seen": secret.raw["data"]}


finalized: list[str] = []


def finalize(owner: Database, call: FinalizeCall[Any]) -> None:
    finalized.append(f"{owner.name} {owner.type} {owner.version} {call.cause}")


databases = define_capability(
    "Databases",
    version="1.0.0",
    api="Capability@1.0.0",
    category="database",
    types=(Postgresql, Mariadb),
    dependents=dependents,
    status=status,
    finalize=finalize,
)


def asking(type_: str = "postgresql", version: str = "16", previous: str = "", **parts: Any) -> Any:
    """Creates a request of a resource that asks for a capability."""
    made = request(**parts)
    capability = made.assignment.capability
    capability.category, capability.type, capability.version = "database", type_, version
    capability.previous_version = previous
    return made


def finalizing(made: Any) -> plugin_pb2.FinalizeRequest:
    """Creates the request that finalizes the base of a request."""
    return plugin_pb2.FinalizeRequest(base=made.base, assignment=made.assignment, context=made.context)


async def test_the_types_are_registered_and_become_dependents_with_rules(serve: Serve) -> None:
    _, client, _ = await serve(databases)
    info = await client.GetInfo(plugin_pb2.GetInfoRequest())
    (api,) = info.apis
    assert [(one.category, one.type, list(one.versions)) for one in api.provides] == [
        ("database", "postgresql", ["16", "17"]),
        ("database", "mariadb", ["11.4"]),
    ]
    first = await client.Reconcile(asking(spec={"storage": "2Gi"}))
    assert (first.outcome, first.base_status) == (plugin_pb2.OUTCOME_SUCCESS, b"")
    rules = first.dependents.rules["Secret/users-db"]
    assert (rules.policy, rules.retain) == (plugin_pb2.DEPENDENT_POLICY_CREATE_ONLY, True)
    assert seen[-1].spec == Spec("2Gi")

    later = asking(version="17", previous="16")
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "users-db"}, "data": {"n": "MA=="}}
    later.dependents["/v1/Secret/default/users-db"].json = json.dumps(secret).encode()
    second = await client.Reconcile(later)
    assert json.loads(second.base_status) == {"host": "users.default", "seen": {"n": "MA=="}}
    assert (seen[-1].version, seen[-1].previous_version) == ("17", "16")

    removed = await client.Finalize(finalizing(later))
    assert removed.outcome == plugin_pb2.OUTCOME_SUCCESS
    assert finalized == ["users postgresql 17 deleted"]


async def test_a_version_that_is_not_provided_is_refused_but_finalized(serve: Serve) -> None:
    _, client, _ = await serve(databases)
    for type_, version, text in [
        ("postgresql", "14", "Databases 1.0.0 provides no postgresql 14; it provides postgresql 16, 17"),
        ("mysql", "8", "Databases 1.0.0 provides no mysql 8; it provides postgresql, mariadb"),
    ]:
        refused = await client.Reconcile(asking(type_, version))
        assert (refused.outcome, only_message(refused)) == (plugin_pb2.OUTCOME_TERMINAL, ("NoSuchVersion", text, ""))
    # The resource got it from an earlier version of the plugin.
    removed = await client.Finalize(finalizing(asking("postgresql", "14")))
    assert removed.outcome == plugin_pb2.OUTCOME_SUCCESS


async def test_a_delegation_without_capabilities_is_named(serve: Serve) -> None:
    _, client, _ = await serve(databases)
    text = 'the delegation tables has no capabilities; add "capability: {}" to it'
    refused = await client.Reconcile(request())
    assert (refused.outcome, only_message(refused)) == (plugin_pb2.OUTCOME_TERMINAL, ("NoCapability", text, ""))


async def test_functions_may_be_async_and_a_spec_a_dict(serve: Serve) -> None:
    async def queues(owner: CapabilityOwner, _: Dependents) -> list[dict[str, object]]:
        await asyncio.sleep(0)
        return [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": owner.name}, "data": owner.spec}]

    async def address(owner: CapabilityOwner, _: Dependents) -> dict[str, str]:
        return {"address": f"{owner.name}.{owner.namespace}"}

    async def leave(_: CapabilityOwner, call: FinalizeCall) -> None:
        call.log.info("left")

    messaging = define_capability(
        "Messaging",
        version="1.0.0",
        api=Api("Capability", "1.0.0"),
        category="messaging",
        types={"nats": ["2.11", "2.12"]},
        dependents=queues,
        status=address,
        finalize=leave,
    )
    assert_type(messaging, Plugin[dict[str, Any]])
    _, client, _ = await serve(messaging)
    made = asking("nats", "2.12", spec={"size": "1"})
    answer = await client.Reconcile(made)
    assert json.loads(answer.base_status) == {"address": "users.default"}
    assert json.loads(answer.dependents.items[0])["data"] == {"size": "1"}
    assert not answer.dependents.rules
    assert (await client.Finalize(finalizing(made))).outcome == plugin_pb2.OUTCOME_SUCCESS


def plain(owner: CapabilityOwner[Spec], observed: Dependents) -> list[Dependent]:
    return []


async def in_async(owner: CapabilityOwner[Spec], observed: Dependents) -> list[Dependent]:
    return []


Other = CapabilityOwner[dict[str, Any], Literal["mariadb"], Literal["11.4"]]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"category": "data base"}, 'the capability "data base" of the API Capability is malformed'),
        ({"types": {}}, "the category database has no types; write at least one, such as postgresql"),
        ({"types": ()}, "the category database has no types"),
        ({"types": ["postgresql"]}, "types is ['postgresql']; write versions by type"),
        ({"types": {"postgre sql": ["17"]}}, 'the capability "postgre sql" of the API Capability is malformed'),
        (
            {"types": {"postgresql": []}},
            'database/postgresql has no list of versions; write at least one, such as ["17"]',
        ),
        ({"types": {"postgresql": "17"}}, "database/postgresql has no list of versions"),
        ({"types": {"postgresql": [17]}}, "the version 17 of database/postgresql is malformed; write a text such as"),
        ({"types": {"postgresql": [">=17"]}}, "the version '>=17' of database/postgresql is malformed"),
        ({"types": {"SQL": ["1"], "sql": ["2"]}}, "the API Capability provides database/sql twice; write it once"),
        ({"types": (Postgresql, Postgresql)}, "types has postgresql twice; write one owner with all its versions"),
        (
            {"types": (CapabilityOwner[Spec],)},
            "write an owner with its type and versions, such as CapabilityOwner[Spec,",
        ),
        ({"types": (Postgresql, Other)}, "the owners in types have several models"),
        ({"types": (Postgresql,), "spec": Spec}, "the owners in types have the model of the spec; remove spec"),
        ({"api": "Capability"}, 'the API "Capability" is malformed; write name and version'),
        ({"api": Api("A", "1.0.0", provides=[Provided("a", "b", ["1"])])}, "remove provides from the API"),
        ({"version": "1"}, 'the plugin\'s version "1" is malformed'),
        ({"dependants": plain}, 'unknown field "dependants"; its fields are types, spec, version, api, category,'),
        ({"dependents": None}, "dependents of the capability must be a function"),
        ({"status": {}}, "status of the capability must be a function"),
        ({"status": in_async}, "of dependents and status one is async; write both as async functions, or neither"),
    ],
)
def test_a_malformed_definition_is_rejected(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidDefinition, match=re.escape(message)):
        define(**given)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(InvalidDefinition, match="the capability has no category; add it"):
        define_capability(  # type: ignore[call-overload]
            "Databases", version="1.0.0", api="Capability@1.0.0", types={"postgresql": ["17"]}, dependents=plain
        )


def define(**given: Any) -> Plugin[Any]:
    definition = {
        "version": "1.0.0",
        "api": "Capability@1.0.0",
        "category": "database",
        "types": {"postgresql": ["16"]},
        "dependents": plain,
        **given,
    }
    made: Callable[..., Plugin[Any]] = define_capability
    return made("Databases", **definition)


Type = Literal["postgresql", "mariadb"]
Version = Literal["16", "17", "11.4"]
TYPES: Mapping[Type, Sequence[Version]] = {"postgresql": ["16", "17"], "mariadb": ["11.4"]}


def test_type_checkers_compare_functions_with_types() -> None:
    def typed(owner: CapabilityOwner[Spec, Type, Version], _: Dependents) -> list[Dependent]:
        assert owner.type != "mysql"  # type: ignore[comparison-overlap]
        return []

    def of_postgresql(owner: Postgresql, _: Dependents) -> list[Dependent]:
        return []

    common: Any = {"version": "1.0.0", "api": "Capability@1.0.0", "category": "database"}
    by_mapping = define_capability("A", types=TYPES, spec=Spec, dependents=typed, **common)
    assert_type(by_mapping, Plugin[Spec])
    # The function would be called for mariadb too.
    define_capability(
        "A",
        version="1.0.0",
        api="Capability@1.0.0",
        category="database",
        types=(Postgresql, Mariadb),  # type: ignore[arg-type]
        dependents=of_postgresql,
    )
    # The model is another one.
    define_capability(
        "A",
        version="1.0.0",
        api="Capability@1.0.0",
        category="database",
        types={"postgresql": ["17"]},
        dependents=plain,  # type: ignore[arg-type]
    )
