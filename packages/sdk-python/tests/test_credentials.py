"""Proofs of a plugin for its controller, their rotation, and the verification of the controller."""

import asyncio
import logging
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest
from certificates import CertificateAuthority, Files, Leaf
from conftest import Start, StartRegistry, Until
from registry import Message

from kplug import Plugin
from kplug.v1 import registry_pb2


@pytest.fixture(scope="module")
def ca() -> CertificateAuthority:
    return CertificateAuthority()


@pytest.fixture(scope="module")
def stranger() -> CertificateAuthority:
    return CertificateAuthority("stranger")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelno >= logging.WARNING]


def key_pair(leaf: Leaf) -> dict[str, bytes]:
    return {"tls.crt": leaf.certificate, "tls.key": leaf.key}


def key_options(files: Files) -> dict[str, str]:
    return {"tls_cert": files.path("tls.crt"), "tls_key": files.path("tls.key")}


async def test_it_registers_its_certificate_with_a_token_and_a_secret(
    ca: CertificateAuthority, files: Files, start_registry: StartRegistry, start: Start, until: Until
) -> None:
    files.write({"ca.crt": ca.certificate, "token": b"one\n"})
    registry = await start_registry(credentials=ca.server_credentials())
    running = await start(registry, tls_ca=files.path("ca.crt"), token_file=files.path("token"))
    await until(lambda: running.registered)
    await running.stop()
    registered, deregistered = registry.messages
    assert registered.registration is not None
    assert len(registered.registration.certificate) > 200
    assert registered.secret is not None
    assert len(registered.secret) == 43
    assert [message.token for message in registry.messages] == ["one", "one"]
    assert (deregistered.rpc, deregistered.secret) == ("Deregister", registered.secret)


@pytest.mark.parametrize("sessions", [True, False])
async def test_it_sends_a_secret_of_its_own_without_tls_too(
    start_registry: StartRegistry, start: Start, until: Until, sessions: bool
) -> None:
    registry = await start_registry(sessions=sessions)
    first, second = await start(registry, token="given"), await start(registry, token="given")
    await until(lambda: first.registered and second.registered)
    await first.stop()
    secrets = {message.secret for message in registry.messages}
    assert len(secrets) == 2
    assert None not in secrets
    assert {message.token for message in registry.messages} == {"given"}
    assert not any(registration.certificate for registration in registry.registrations)


async def test_it_presents_an_issued_certificate_and_registers_it(
    ca: CertificateAuthority, files: Files, start_registry: StartRegistry, start: Start, until: Until
) -> None:
    issued = ca.issue("both", uris=["spiffe://example.org/plugin"])
    files.write({"ca.crt": ca.certificate, **key_pair(issued)})
    credentials = ca.server_credentials(client_ca=ca.certificate)
    registry = await start_registry(credentials=credentials)
    controller = f"localhost:{registry.port}"
    running = await start(registry, controller=controller, tls_ca=files.path("ca.crt"), **key_options(files))
    await until(lambda: running.registered)
    assert registry.messages[0].client == "leaf"
    assert registry.registrations[0].certificate == issued.der


@pytest.mark.parametrize(
    ("leaf", "advice"),
    [
        ({"names": ["other.example"], "addresses": []}, "KPLUG_TLS_SERVER_NAME"),
        ({"expired": True}, "check the clocks"),
        ({"usage": "client"}, "not issued by a CA of KPLUG_TLS_CA"),
    ],
)
async def test_it_refuses_a_controller_with_another_certificate(
    ca: CertificateAuthority,
    files: Files,
    start_registry: StartRegistry,
    start: Start,
    until: Until,
    caplog: pytest.LogCaptureFixture,
    leaf: dict[str, Any],
    advice: str,
) -> None:
    files.write({"ca.crt": ca.certificate, "token": b"secret-token"})
    registry = await start_registry(credentials=ca.server_credentials(ca.issue(**leaf)))
    running = await start(registry, tls_ca=files.path("ca.crt"), token_file=files.path("token"))
    await until(lambda: advice in "".join(warnings(caplog)))
    assert not running.registered
    assert registry.messages == []


async def test_it_refuses_the_controller_of_another_ca_until_its_bundle_is_mended(
    ca: CertificateAuthority,
    stranger: CertificateAuthority,
    files: Files,
    start_registry: StartRegistry,
    start: Start,
    until: Until,
    caplog: pytest.LogCaptureFixture,
) -> None:
    files.write({"ca.crt": ca.certificate})
    registry = await start_registry(credentials=stranger.server_credentials())
    running = await start(registry, tls_ca=files.path("ca.crt"))
    await until(lambda: warnings(caplog))
    assert warnings(caplog) == [
        f"heartbeat to {registry.address} failed: CERTIFICATE_VERIFY_FAILED: unable to get local issuer certificate; "
        'the certificate for "127.0.0.1" was not issued by a CA of KPLUG_TLS_CA; compare the file with the CA bundle '
        "of the operator; retrying"
    ]
    files.write({"ca.crt": ca.certificate + stranger.certificate})
    await until(lambda: running.registered)
    assert len(warnings(caplog)) == 1


async def test_it_explains_that_the_controller_speaks_plain_text_and_sends_it_nothing(
    ca: CertificateAuthority,
    files: Files,
    start_registry: StartRegistry,
    start: Start,
    until: Until,
    caplog: pytest.LogCaptureFixture,
) -> None:
    files.write({"ca.crt": ca.certificate})
    registry = await start_registry()
    await start(registry, tls_ca=files.path("ca.crt"))
    await until(lambda: "does not speak TLS 1.3" in "".join(warnings(caplog)))
    assert registry.messages == []


async def test_it_accepts_the_name_that_it_is_told_to_expect(
    ca: CertificateAuthority, files: Files, start_registry: StartRegistry, start: Start, until: Until
) -> None:
    files.write({"ca.crt": ca.certificate})
    leaf = ca.issue(names=["kplug.kplug-system.svc"], addresses=[])
    registry = await start_registry(credentials=ca.server_credentials(leaf))
    running = await start(registry, tls_ca=files.path("ca.crt"), tls_server_name="kplug.kplug-system.svc")
    await until(lambda: running.registered)


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
async def test_it_verifies_the_address_of_a_controller_on_ipv6(
    ca: CertificateAuthority, files: Files, start_registry: StartRegistry, start: Start, until: Until
) -> None:
    files.write({"ca.crt": ca.certificate})
    registry = await start_registry("[::1]:0", credentials=ca.server_credentials())
    running = await start(registry, controller=f"[::1]:{registry.port}", tls_ca=files.path("ca.crt"))
    await until(lambda: running.registered)


async def test_it_waits_for_a_ca_bundle_and_a_token_with_one_warning_for_each(
    ca: CertificateAuthority,
    files: Files,
    start_registry: StartRegistry,
    start: Start,
    until: Until,
    caplog: pytest.LogCaptureFixture,
) -> None:
    registry = await start_registry(credentials=ca.server_credentials())
    running = await start(registry, tls_ca=files.path("ca.crt"), token_file=files.path("token"))
    await until(lambda: len(warnings(caplog)) == 2)
    files.write({"token": b"one"})
    files.write({"ca.crt": b"not yet\n"})
    await until(lambda: "no certificate in PEM" in "".join(warnings(caplog)))
    assert not running.registered
    files.write({"ca.crt": ca.certificate})
    await until(lambda: running.registered)
    assert len(warnings(caplog)) == 3
    assert "ca.crt does not exist" in "".join(warnings(caplog))
    assert "token does not exist" in "".join(warnings(caplog))


@pytest.mark.parametrize("changed", ["token", "CA bundle", "certificate"])
async def test_rotation_replaces_the_session_before_it_ends(
    ca: CertificateAuthority,
    stranger: CertificateAuthority,
    files: Files,
    start_registry: StartRegistry,
    start: Start,
    until: Until,
    caplog: pytest.LogCaptureFixture,
    changed: str,
) -> None:
    first, second = ca.issue("both"), ca.issue("both")
    files.write({"token": b"one", "ca.crt": ca.certificate, **key_pair(first)})
    registry = await start_registry(credentials=ca.server_credentials())
    running = await start(registry, tls_ca=files.path("ca.crt"), token_file=files.path("token"), **key_options(files))
    await until(lambda: running.registered)
    files.write(
        {
            "token": {"token": b"two"},
            "CA bundle": {"ca.crt": ca.certificate + stranger.certificate},
            "certificate": key_pair(second),
        }[changed]
    )
    await until(lambda: registry.session_counts == [1, 2, 1])
    before, after = registry.messages
    assert after.secret == before.secret
    assert after.token == ("two" if changed == "token" else "one")
    assert len({registration.instance_id for registration in registry.registrations}) == 1
    expected = second if changed == "certificate" else first
    assert registry.registrations[1].certificate == expected.der
    beats = registry.beats
    await until(lambda: registry.beats > beats + 2)
    assert running.registered
    assert warnings(caplog) == []


async def test_a_token_that_the_controller_refuses_keeps_the_session(
    files: Files, start_registry: StartRegistry, start: Start, until: Until, caplog: pytest.LogCaptureFixture
) -> None:
    files.write({"token": b"good"})
    registry = await start_registry()
    registry.refuse = only_tokens("good")
    running = await start(registry, token_file=files.path("token"))
    await until(lambda: running.registered)
    files.write({"token": b"bad"})
    await until(lambda: registry.session_counts == [1, 2, 1])
    beats = registry.beats
    await until(lambda: registry.beats > beats + 2)
    assert running.registered
    assert "the token is unknown; the previous session continues" in "".join(warnings(caplog))
    files.write({"token": b"good-again"})
    await until(lambda: registry.session_counts == [1, 2, 1, 2, 1])
    assert registry.messages[-1].token == "good-again"


async def test_certificate_and_key_that_change_one_after_the_other_are_used_when_they_belong_together(
    ca: CertificateAuthority,
    files: Files,
    start_registry: StartRegistry,
    start: Start,
    until: Until,
    caplog: pytest.LogCaptureFixture,
) -> None:
    first, second = ca.issue("both"), ca.issue("both", rsa_key_size=2048)
    files.write({"ca.crt": ca.certificate, **key_pair(first)})
    registry = await start_registry(credentials=ca.server_credentials())
    running = await start(registry, tls_ca=files.path("ca.crt"), **key_options(files))
    await until(lambda: running.registered)
    files.write({"tls.crt": second.certificate})
    await until(lambda: any("does not belong" in line and "using the previous" in line for line in warnings(caplog)))
    files.write({"tls.key": second.key})
    await until(lambda: len(registry.registrations) == 2)
    assert registry.registrations[1].certificate == second.der
    assert 0 not in registry.session_counts


async def test_it_keeps_its_certificate_if_the_next_one_is_too_weak(
    ca: CertificateAuthority,
    files: Files,
    start_registry: StartRegistry,
    start: Start,
    until: Until,
    caplog: pytest.LogCaptureFixture,
) -> None:
    files.write({"ca.crt": ca.certificate, **key_pair(ca.issue("both"))})
    registry = await start_registry(credentials=ca.server_credentials())
    running = await start(registry, tls_ca=files.path("ca.crt"), **key_options(files))
    await until(lambda: running.registered)
    files.write(key_pair(ca.issue("both", rsa_key_size=1024)))
    await until(lambda: any("1024 bits" in line and "using the previous" in line for line in warnings(caplog)))
    beats = registry.beats
    await until(lambda: registry.beats > beats + 2)
    assert registry.session_counts == [1]


async def test_a_new_token_is_used_by_the_next_unary_heartbeat(
    files: Files, start_registry: StartRegistry, start: Start, until: Until
) -> None:
    files.write({"token": b"one"})
    registry = await start_registry(sessions=False)
    running = await start(registry, token_file=files.path("token"))
    await until(lambda: running.registered)
    files.write({"token": b"two"})
    await until(lambda: registry.messages[-1].token == "two")
    assert len({message.secret for message in registry.messages}) == 1


@pytest.mark.parametrize("reason", ["UNAUTHENTICATED", "FORBIDDEN", "NAME_TAKEN"])
async def test_a_refusal_is_logged_once_and_retried_as_soon_as_the_token_changes(
    files: Files,
    start_registry: StartRegistry,
    start: Start,
    until: Until,
    caplog: pytest.LogCaptureFixture,
    reason: str,
) -> None:
    files.write({"token": b"old"})
    registry = await start_registry()
    registry.refuse = only_tokens("new", f"REFUSAL_REASON_{reason}")
    running = await start(registry, token_file=files.path("token"))
    await until(lambda: registry.messages)
    files.write({"token": b"older"})
    await until(lambda: len(registry.messages) == 2)
    files.write({"token": b"new"})
    await until(lambda: running.registered)
    assert warnings(caplog) == [f"{registry.address} refused the registration: the token is unknown; retrying"]


async def test_insecure_is_logged_as_a_warning_at_each_start(
    start_registry: StartRegistry, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    await start(await start_registry(), insecure=True)
    assert warnings(caplog) == [
        "KPLUG_INSECURE is set: heartbeats and calls are neither encrypted nor authenticated",
    ]


async def test_the_documented_variable_turns_tls_1_2_off(ca: CertificateAuthority, tmp_path: Path) -> None:
    """The C core of gRPC reads the variable when it is imported, so that this needs another process."""
    leaf = ca.issue()
    for name, content in (("ca.crt", ca.certificate), ("tls.crt", leaf.certificate), ("tls.key", leaf.key)):
        (tmp_path / name).write_bytes(content)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(20)
    failures: list[str] = []

    def serve() -> None:
        connection, _ = server.accept()
        with pytest.raises(ssl.SSLError) as failure:
            context.wrap_socket(connection, server_side=True)
        failures.append(str(failure.value))
        connection.close()

    serving = threading.Thread(target=serve)
    serving.start()
    program = 'from kplug import Plugin\np = Plugin("P", version="1.0.0", api="A@1.0.0")\np.reconcile(print)\np.run()'
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        env={
            "GRPC_SSL_CIPHER_SUITES": "ECDHE-PSK-AES128-CBC-SHA",
            "KPLUG_CONTROLLER": f"127.0.0.1:{server.getsockname()[1]}",
            "KPLUG_TLS_CA": str(tmp_path / "ca.crt"),
        },
        stdout=PIPE,
        stderr=PIPE,
    )
    await asyncio.to_thread(serving.join)
    process.terminate()
    await process.communicate()
    server.close()
    assert len(failures) == 1


def only_tokens(
    prefix: str, reason: str = "REFUSAL_REASON_UNAUTHENTICATED"
) -> Callable[[Message], registry_pb2.Refusal | None]:
    """Accepts tokens with a prefix."""
    refusal = registry_pb2.Refusal(reason=registry_pb2.RefusalReason.Value(reason), message="the token is unknown")
    return lambda message: None if (message.token or "").startswith(prefix) else refusal


@pytest.fixture
def plugin() -> Plugin[Any]:
    plugin = Plugin("Plain", version="1.2.3", api="Table@1.0.0")
    plugin.reconcile(lambda _: None)
    return plugin
