import uuid

import pytest

from kplug import InvalidDefinition, Pod
from kplug._settings import read_settings


def test_all_settings_have_a_default() -> None:
    settings = read_settings({}, {})
    assert settings.controller == "localhost:50050"
    assert settings.bind_address == "localhost:0"
    assert uuid.UUID(settings.instance_id).version == 4
    assert read_settings({}, {}).instance_id != settings.instance_id
    assert (settings.weight, settings.drain_timeout, settings.max_message_size) == (100, 25, 4 * 1024 * 1024)


@pytest.mark.parametrize(
    ("controller", "bind_address"),
    [
        ("localhost:50050", "localhost:0"),
        ("127.0.0.1:50050", "127.0.0.1:0"),
        ("127.0.0.2:50050", "127.0.0.1:0"),
        ("[::1]:50050", "[::1]:0"),
        ("operator.kplug:50050", "[::]:0"),
        ("localhost.example.org:50050", "[::]:0"),
        ("none", "[::]:7000"),
    ],
)
def test_a_plugin_listens_on_the_address_family_that_it_sends_heartbeats_over(
    controller: str, bind_address: str
) -> None:
    assert read_settings({"controller": controller, "insecure": True}, {}).bind_address == bind_address


def test_settings_are_read_from_the_environment() -> None:
    settings = read_settings(
        {},
        {
            "KPLUG_CONTROLLER": "operator.kplug:50050",
            "KPLUG_ADDRESS": "10.0.0.1:7000",
            "KPLUG_INSTANCE_ID": "from-env",
            "KPLUG_TOKEN": "secret",
            "KPLUG_INSECURE": "true",
            "KPLUG_WEIGHT": "7",
            "KPLUG_LABELS": "zone=a, tier=gold,",
            "KPLUG_POD_NAMESPACE": "plugins",
            "KPLUG_POD_NAME": "a-1",
            "KPLUG_HEARTBEAT_INTERVAL": "250",
            "KPLUG_TTL": "2000",
            "KPLUG_DRAIN_TIMEOUT": "1500",
            "KPLUG_LOG_LEVEL": "debug",
        },
    )
    assert settings.controller == "operator.kplug:50050"
    assert settings.bind_address == "[::]:0"
    assert settings.address == "10.0.0.1:7000"
    assert (settings.instance_id, settings.token) == ("from-env", "secret")
    assert "secret" not in repr(settings)
    assert settings.weight == 7
    assert settings.labels == {"zone": "a", "tier": "gold"}
    assert settings.pod == Pod("plugins", "a-1")
    assert (settings.interval, settings.ttl, settings.drain_timeout) == (0.25, 2, 1.5)
    assert settings.log_level == "debug"


def test_a_misspelt_option_is_refused() -> None:
    with pytest.raises(InvalidDefinition, match='there is no option "contoller" to serve a plugin with'):
        read_settings({"contoller": "localhost:1"}, {})  # type: ignore[typeddict-unknown-key]


def test_options_override_the_environment_and_empty_variables_are_ignored() -> None:
    assert read_settings({"weight": 3}, {"KPLUG_WEIGHT": "7"}).weight == 3
    assert read_settings({}, {"KPLUG_WEIGHT": ""}).weight == 100


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("KPLUG_WEIGHT", "heavy", 'KPLUG_WEIGHT is "heavy"; it must be a whole number'),
        ("KPLUG_TTL", "-1", "KPLUG_TTL"),
        ("KPLUG_INSECURE", "yes", 'KPLUG_INSECURE is "yes"; it must be true or false'),
        ("KPLUG_TTL", "1_000", "KPLUG_TTL"),
        ("KPLUG_LABELS", "zone", 'KPLUG_LABELS has "zone"; write name=value,name=value'),
        ("KPLUG_LABELS", "=a", "KPLUG_LABELS"),
        ("KPLUG_POD_NAME", "a-1", "set both KPLUG_POD_NAMESPACE and KPLUG_POD_NAME, or neither"),
        ("KPLUG_LOG_LEVEL", "loud", 'the log level is "loud"; it must be one of debug, info, warn, error, silent'),
    ],
)
def test_a_malformed_variable_is_named(variable: str, value: str, message: str) -> None:
    with pytest.raises(InvalidDefinition, match=message):
        read_settings({}, {variable: value})
