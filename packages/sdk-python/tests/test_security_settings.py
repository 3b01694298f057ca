"""Security that follows from the settings, and errors at the start."""

from pathlib import Path
from typing import Any

import pytest

from kplug import InvalidDefinition
from kplug._security._settings import (
    GivenSecurity,
    KeyFiles,
    PlainText,
    TlsSettings,
    host_of,
    read_bind_address,
    read_security,
    read_token_file,
)
from kplug._settings import read_settings

REMOTE = "operator.kplug:50050"
LOCAL = "localhost:50050"
FILES = {"tls_cert": "/tls.crt", "tls_key": "/tls.key"}


def given(controller: str = REMOTE, **others: Any) -> GivenSecurity:
    return GivenSecurity(controller=controller, **others)


@pytest.mark.parametrize("controller", [LOCAL, "LOCALHOST:1", "127.0.0.1:50050", "127.1.2.3:50050", "[::1]:50050"])
def test_a_controller_on_loopback_is_spoken_to_in_plain_text(controller: str) -> None:
    assert read_security(given(controller), "/nowhere") == PlainText()


@pytest.mark.parametrize(
    "controller",
    [REMOTE, "10.0.0.1:50050", "[::]:50050", "localhost.example.org:50050", "dns:///localhost:1", "127.0.0.1.nip.io:1"],
)
def test_a_remote_controller_without_a_ca_bundle_is_an_error_that_names_both_settings(controller: str) -> None:
    with pytest.raises(InvalidDefinition, match=r"KPLUG_TLS_CA.*KPLUG_INSECURE=true"):
        read_security(given(controller), "/nowhere")


def test_tls_is_used_with_a_ca_bundle_on_loopback_too() -> None:
    assert read_security(given(LOCAL, tls_ca="/ca"), "/nowhere") == TlsSettings("/ca", "localhost")


def test_the_mounted_folder_is_the_default_also_before_the_ca_bundle_is_there(tmp_path: Path) -> None:
    assert read_security(given(), str(tmp_path)) == TlsSettings(str(tmp_path / "ca.crt"), "operator.kplug")


def test_files_and_server_name_are_passed_on() -> None:
    security = read_security(given(tls_ca="/ca", tls_server_name="kplug.svc", **FILES), "/nowhere")
    assert security == TlsSettings("/ca", "kplug.svc", KeyFiles(key="/tls.key", certificate="/tls.crt"))


def test_insecure_is_plain_text_with_a_warning_even_with_a_ca_bundle(tmp_path: Path) -> None:
    security = read_security(given(insecure=True, tls_ca="/ca"), str(tmp_path))
    assert isinstance(security, PlainText)
    assert security.warning is not None
    assert "neither encrypted nor authenticated" in security.warning


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tls_cert": "/tls.crt", "tls_ca": "/ca"}, "set both KPLUG_TLS_CERT and KPLUG_TLS_KEY, or neither"),
        ({"tls_server_name": "kplug.svc"}, "TLS needs the CA bundle of the operator as well; set KPLUG_TLS_CA"),
        ({"controller": LOCAL, **FILES}, "TLS needs the CA bundle of the operator as well; set KPLUG_TLS_CA"),
        ({"controller": "none"}, "the plugin sends no heartbeats, and calls need TLS"),
        ({"controller": "none", "bind_address": "[::]:7000"}, "calls need TLS"),
        ({"controller": "none", "tls_ca": "/ca"}, "set KPLUG_TLS_CERT and KPLUG_TLS_KEY, or KPLUG_INSECURE=true"),
    ],
)
def test_incomplete_settings_are_an_error(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidDefinition, match=message):
        read_security(given(**options), "/nowhere")


@pytest.mark.parametrize(
    ("options", "bind_address"),
    [
        ({"controller": LOCAL}, "localhost:0"),
        ({"controller": LOCAL, "bind_address": ":7001"}, "localhost:7001"),
        ({"controller": "[::1]:50050", "bind_address": ":7001"}, "[::1]:7001"),
        ({"controller": LOCAL, "bind_address": "127.0.0.1:7001"}, "127.0.0.1:7001"),
        ({"bind_address": "10.0.0.1:7001", "tls_ca": "/ca"}, "10.0.0.1:7001"),
        ({"bind_address": "0.0.0.0:7001", "insecure": True}, "0.0.0.0:7001"),
        ({"bind_address": ":7001", "tls_ca": "/ca"}, "[::]:7001"),
        ({"controller": "none", "bind_address": "127.0.0.1:7001"}, "127.0.0.1:7001"),
        ({"controller": "none", "tls_ca": "/ca", **FILES}, "[::]:7000"),
    ],
)
def test_a_plugin_listens_where_it_may_be_called(options: dict[str, Any], bind_address: str) -> None:
    settings = given(**options)
    assert read_bind_address(settings, read_security(settings, "/nowhere")) == bind_address


@pytest.mark.parametrize("bind_address", ["0.0.0.0:7001", "[::]:7001", "plugin.example:7001"])
def test_a_plugin_in_plain_text_listens_on_loopback_only(bind_address: str) -> None:
    settings = given(LOCAL, bind_address=bind_address)
    with pytest.raises(InvalidDefinition, match=r"without TLS; set KPLUG_TLS_CA, or KPLUG_INSECURE=true"):
        read_bind_address(settings, read_security(settings, "/nowhere"))


def test_the_mounted_token_is_the_default_if_it_exists_and_no_token_is_given(tmp_path: Path) -> None:
    assert read_token_file(given(), str(tmp_path)) is None
    (tmp_path / "token").write_text("one")
    assert read_token_file(given(), str(tmp_path)) == str(tmp_path / "token")
    assert read_token_file(given(token="given"), str(tmp_path)) is None
    assert read_token_file(given(token_file="/other"), str(tmp_path)) == "/other"


@pytest.mark.parametrize("token", ["a b", "line\n", "é"])
def test_a_token_that_can_not_be_sent_is_an_error_that_does_not_disclose_it(token: str) -> None:
    with pytest.raises(InvalidDefinition, match="KPLUG_TOKEN must have visible ASCII characters only") as failure:
        read_token_file(given(token=token), "/nowhere")
    assert token not in str(failure.value)


def test_an_option_takes_precedence_over_both_variables_of_the_token() -> None:
    environment = {"KPLUG_TOKEN": "inline"}
    assert read_settings({"token_file": "/file"}, environment).token is None
    with pytest.raises(InvalidDefinition, match="set KPLUG_TOKEN or KPLUG_TOKEN_FILE, not both"):
        read_settings({}, {**environment, "KPLUG_TOKEN_FILE": "/file"})


def test_all_settings_are_read_from_the_environment() -> None:
    settings = read_settings(
        {},
        {
            "KPLUG_CONTROLLER": REMOTE,
            "KPLUG_TOKEN_FILE": "/token",
            "KPLUG_TLS_CA": "/ca",
            "KPLUG_TLS_CERT": "/tls.crt",
            "KPLUG_TLS_KEY": "/tls.key",
            "KPLUG_TLS_SERVER_NAME": "kplug.svc",
        },
    )
    assert settings.token_file == "/token"
    assert settings.security == TlsSettings("/ca", "kplug.svc", KeyFiles(key="/tls.key", certificate="/tls.crt"))


@pytest.mark.parametrize(
    ("controller", "host"),
    [
        (REMOTE, "operator.kplug"),
        ("dns:///operator.kplug:50050", "operator.kplug"),
        ("dns://10.0.0.10/operator.kplug:50050", "operator.kplug"),
        ("[fd00::1]:50050", "fd00::1"),
        ("10.0.0.1:50050", "10.0.0.1"),
    ],
)
def test_the_host_of_the_controller_is_the_expected_name(controller: str, host: str) -> None:
    assert host_of(controller) == host
