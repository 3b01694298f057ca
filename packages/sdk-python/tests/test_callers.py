"""Clients that a plugin with TLS lets in."""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from certificates import CALLER, CertificateAuthority, Files, Leaf
from conftest import Start, Until, request
from grpc import StatusCode, aio
from grpc.experimental import session_cache
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from registry import FakeRegistry

from kplug import Call, Plugin, RunningPlugin
from kplug.v1 import plugin_pb2, plugin_pb2_grpc

UNREACHED = StatusCode.UNAVAILABLE
"""Status of a call whose client was refused in the handshake."""


@pytest.fixture(scope="module")
def ca() -> CertificateAuthority:
    return CertificateAuthority()


@pytest.fixture(scope="module")
def stranger() -> CertificateAuthority:
    return CertificateAuthority("stranger")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


class Gate:
    """Holds calls back."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.opened = asyncio.Event()


@pytest_asyncio.fixture
async def gate() -> Gate:
    return Gate()


@pytest.fixture
def plugin(gate: Gate) -> Plugin[Any]:
    plugin = Plugin("Plain", version="1.2.3", api="Table@1.0.0")

    @plugin.reconcile
    async def reconcile(call: Call) -> None:
        if call.base.spec.get("hold"):
            gate.entered.set()
            await gate.opened.wait()

    return plugin


class Clients:
    """Clients of a plugin."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    async def connect(
        self, running: RunningPlugin, leaf: Leaf | None, certificate: bytes, *more: tuple[str, Any]
    ) -> aio.Channel:
        """Opens a channel with a client certificate, which trusts exactly one certificate of the plugin."""
        pem = ssl.DER_cert_to_PEM_cert(certificate).encode()
        pair = (None, None) if leaf is None else (leaf.key, leaf.certificate)
        # The controller compares the certificate. gRPC in Python needs a name, which is the instance id.
        options = [("grpc.ssl_target_name_override", running.instance_id), ("grpc.use_local_subchannel_pool", 1), *more]
        target = f"127.0.0.1:{port_of(running)}"
        channel = aio.secure_channel(target, grpc.ssl_channel_credentials(pem, *pair), options)
        return await self._stack.enter_async_context(channel)


@pytest_asyncio.fixture
async def clients() -> AsyncIterator[Clients]:
    async with AsyncExitStack() as stack:
        yield Clients(stack)


def port_of(running: RunningPlugin) -> int:
    return int(running.address.rsplit(":", 1)[1])


async def info(channel: aio.Channel) -> plugin_pb2.GetInfoResponse:
    stub: plugin_pb2_grpc.PluginServiceAsyncStub = plugin_pb2_grpc.PluginServiceStub(channel)
    return await stub.GetInfo(plugin_pb2.GetInfoRequest(), timeout=10)


async def refusal_of(channel: aio.Channel) -> tuple[StatusCode, str]:
    with pytest.raises(aio.AioRpcError) as failure:
        await info(channel)
    return failure.value.code(), failure.value.details() or ""


async def test_the_operator_is_let_in_to_all_services(
    ca: CertificateAuthority, registry: FakeRegistry, files: Files, start: Start, clients: Clients, until: Until
) -> None:
    running = await start_with_tls(ca, registry, files, start, until)
    channel = await clients.connect(running, ca.caller(), registry.registrations[0].certificate)
    assert (await info(channel)).instance_id == running.instance_id
    stub: plugin_pb2_grpc.PluginServiceAsyncStub = plugin_pb2_grpc.PluginServiceStub(channel)
    assert (await stub.Reconcile(request())).outcome == plugin_pb2.OUTCOME_SUCCESS
    work = stub.Work()
    await work.write(plugin_pb2.WorkRequest(id=7, reconcile=request()))
    response = await work.read()
    assert isinstance(response, plugin_pb2.WorkResponse)
    assert response.id == 7
    await work.done_writing()
    health = health_pb2_grpc.HealthStub(channel)
    serving = health_pb2.HealthCheckResponse.SERVING
    assert (await health.Check(health_pb2.HealthCheckRequest())).status == serving
    assert (await health.Watch(health_pb2.HealthCheckRequest()).read()).status == serving
    reflection = reflect(channel)
    await reflection.write(reflection_pb2.ServerReflectionRequest(list_services=""))
    assert (await reflection.read()).list_services_response.service
    with pytest.raises(aio.AioRpcError) as failure:
        await unknown_method(channel)
    assert failure.value.code() == StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("who", ["anonymous", "stranger", "heartbeat server", "expired", "the plugin itself"])
async def test_a_client_that_is_not_verified_is_refused_in_the_handshake(
    ca: CertificateAuthority,
    stranger: CertificateAuthority,
    registry: FakeRegistry,
    files: Files,
    start: Start,
    clients: Clients,
    until: Until,
    who: str,
) -> None:
    issued = ca.issue("server", uris=[CALLER])
    running = await start_with_tls(ca, registry, files, start, until, issued)
    leaf = {
        "anonymous": None,
        "stranger": stranger.caller(),
        "heartbeat server": issued,
        "expired": ca.issue("client", uris=[CALLER], expired=True),
        "the plugin itself": issued,
    }[who]
    channel = await clients.connect(running, leaf, issued.der)
    assert (await refusal_of(channel))[0] == UNREACHED


@pytest.mark.parametrize(
    ("usage", "uris", "reason"),
    [
        ("client", [], "lacks the URI kplug://caller"),
        ("client", ["kplug://caller/other", "KPLUG://CALLER"], "lacks the URI kplug://caller"),
        ("none", [CALLER], "not for clients (clientAuth)"),
    ],
)
async def test_a_client_with_another_certificate_of_the_ca_is_refused_by_every_method(
    ca: CertificateAuthority,
    registry: FakeRegistry,
    files: Files,
    start: Start,
    clients: Clients,
    until: Until,
    caplog: pytest.LogCaptureFixture,
    usage: Any,
    uris: list[str],
    reason: str,
) -> None:
    running = await start_with_tls(ca, registry, files, start, until)
    channel = await clients.connect(running, ca.issue(usage, uris=uris), registry.registrations[0].certificate)
    code, details = await refusal_of(channel)
    assert code == StatusCode.PERMISSION_DENIED
    assert reason in details
    stub: plugin_pb2_grpc.PluginServiceAsyncStub = plugin_pb2_grpc.PluginServiceStub(channel)
    health = health_pb2_grpc.HealthStub(channel)
    for call in (
        stub.Reconcile(request()),
        stub.Finalize(plugin_pb2.FinalizeRequest()),
        health.Check(health_pb2.HealthCheckRequest()),
        unknown_method(channel),
    ):
        with pytest.raises(aio.AioRpcError) as failure:
            await call
        assert failure.value.code() == StatusCode.PERMISSION_DENIED
    for stream in (stub.Work(), health.Watch(health_pb2.HealthCheckRequest()), reflect(channel)):
        assert await stream.code() == StatusCode.PERMISSION_DENIED
    lines = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert len(lines) == 1
    assert reason in lines[0]


def handshake(port: int, folder: Path, maximum: ssl.TLSVersion, session: ssl.SSLSession | None = None) -> Any:
    """Sends the preface of HTTP/2 with a certificate of the operator. Returns the connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = maximum
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    context.set_alpn_protocols(["h2"])
    connection = context.wrap_socket(socket.create_connection(("127.0.0.1", port), 10), session=session)
    connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
    assert connection.recv(1)
    return connection, context


async def test_a_client_with_tls_1_2_is_refused(
    ca: CertificateAuthority,
    registry: FakeRegistry,
    files: Files,
    start: Start,
    until: Until,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    running = await start_with_tls(ca, registry, files, start, until)
    write_leaf(tmp_path, ca.caller())
    connection, _ = await asyncio.to_thread(handshake, port_of(running), tmp_path, ssl.TLSVersion.TLSv1_2)
    # GetInfo, with the headers of HPACK as literals: gRPC itself has no client that is limited to TLS 1.2.
    block = b"\x83\x86" + b"".join(
        b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value
        for name, value in [
            (b":path", b"/kplug.v1.PluginService/GetInfo"),
            (b":authority", b"plugin"),
            (b"te", b"trailers"),
            (b"content-type", b"application/grpc"),
        ]
    )
    headers = len(block).to_bytes(3, "big") + bytes([1, 4, 0, 0, 0, 1]) + block
    data = bytes([0, 0, 5, 0, 1, 0, 0, 0, 1]) + bytes(5)
    await asyncio.to_thread(connection.sendall, headers + data)
    await until(lambda: "it does not use TLS 1.3; only the operator may call the plugin" in caplog.text)
    connection.close()


async def test_a_client_that_resumes_a_session_is_refused(
    ca: CertificateAuthority, registry: FakeRegistry, files: Files, start: Start, clients: Clients, until: Until
) -> None:
    running = await start_with_tls(ca, registry, files, start, until)
    certificate = registry.registrations[0].certificate
    new_cache: Any = session_cache.ssl_session_cache_lru
    cache = ("grpc.ssl_session_cache", new_cache(1))
    await info(await clients.connect(running, ca.caller(), certificate, cache))
    # Its certificate would not be verified again.
    resuming = await refusal_of(await clients.connect(running, ca.caller(), certificate, cache))
    assert resuming == (
        StatusCode.PERMISSION_DENIED,
        "it resumed an earlier session; only the operator may call the plugin",
    )
    # Other clients are not affected.
    await info(await clients.connect(running, ca.caller(), certificate))


async def test_concurrent_handshakes_do_not_disturb_each_other(
    ca: CertificateAuthority, registry: FakeRegistry, files: Files, start: Start, clients: Clients, until: Until
) -> None:
    """Without care, the C core replaces its configuration in each handshake, and crashes if another one begins."""
    running = await start_with_tls(ca, registry, files, start, until)
    certificate = registry.registrations[0].certificate
    for _ in range(20):
        channels = [await clients.connect(running, ca.caller(), certificate) for _ in range(20)]
        answers = await asyncio.gather(*(info(channel) for channel in channels))
        assert {answer.instance_id for answer in answers} == {running.instance_id}
        await asyncio.gather(*(channel.close() for channel in channels))


async def test_nobody_is_let_in_before_the_ca_is_known(
    ca: CertificateAuthority, registry: FakeRegistry, files: Files, start: Start, clients: Clients, until: Until
) -> None:
    issued = ca.issue("both", uris=[CALLER])
    files.write({"tls.crt": issued.certificate, "tls.key": issued.key})
    running = await start(registry, **options_of(files), tls_cert=files.path("tls.crt"), tls_key=files.path("tls.key"))
    for leaf in (None, ca.caller(), issued):
        assert (await refusal_of(await clients.connect(running, leaf, issued.der)))[0] == UNREACHED
    files.write({"ca.crt": ca.certificate})
    await until(lambda: registry.registrations)
    await info(await clients.connect(running, ca.caller(), issued.der))


async def test_a_change_of_ca_and_certificate_loses_no_call(
    ca: CertificateAuthority,
    stranger: CertificateAuthority,
    registry: FakeRegistry,
    files: Files,
    start: Start,
    clients: Clients,
    until: Until,
    gate: Gate,
) -> None:
    first, second = ca.issue("both"), ca.issue("both")
    running = await start_with_tls(ca, registry, files, start, until, first)
    before = await clients.connect(running, ca.caller(), first.der)
    stub: plugin_pb2_grpc.PluginServiceAsyncStub = plugin_pb2_grpc.PluginServiceStub(before)
    pending = asyncio.ensure_future(stub.Reconcile(request({"hold": True})))
    await asyncio.wait_for(gate.entered.wait(), 10)
    files.write({"ca.crt": stranger.certificate, "tls.crt": second.certificate, "tls.key": second.key})
    # Immediately, without waiting for the next check of the files.
    await info(await clients.connect(running, stranger.caller(), second.der))
    assert (await refusal_of(await clients.connect(running, ca.caller(), second.der)))[0] == UNREACHED
    assert (await refusal_of(await clients.connect(running, stranger.caller(), first.der)))[0] == UNREACHED
    gate.opened.set()
    assert (await pending).outcome == plugin_pb2.OUTCOME_SUCCESS
    await info(before)


async def test_handshakes_that_never_end_are_given_up_and_do_not_keep_the_operator_out(
    ca: CertificateAuthority,
    registry: FakeRegistry,
    files: Files,
    start: Start,
    clients: Clients,
    until: Until,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kplug._running.HANDSHAKE_TIMEOUT_MS", 1_000)
    running = await start_with_tls(ca, registry, files, start, until)
    silent = [socket.create_connection(("127.0.0.1", port_of(running)), 10) for _ in range(100)]
    for connection in silent[::2]:
        connection.sendall(b"\x16")
    await info(await clients.connect(running, ca.caller(), registry.registrations[0].certificate))
    for connection in silent:
        assert await asyncio.to_thread(connection.recv, 1) == b""
        connection.close()


async def start_with_tls(
    ca: CertificateAuthority,
    registry: FakeRegistry,
    files: Files,
    start: Start,
    until: Until,
    leaf: Leaf | None = None,
) -> RunningPlugin:
    """Starts a plugin with TLS, which has registered. A key of `None` is made in memory."""
    files.write({"ca.crt": ca.certificate})
    options = options_of(files)
    if leaf is not None:
        files.write({"tls.crt": leaf.certificate, "tls.key": leaf.key})
        options |= {"tls_cert": files.path("tls.crt"), "tls_key": files.path("tls.key")}
    running = await start(registry, **options)
    await until(lambda: running.registered)
    return running


def write_leaf(folder: Path, leaf: Leaf) -> None:
    (folder / "tls.crt").write_bytes(leaf.certificate)
    (folder / "tls.key").write_bytes(leaf.key)


def options_of(files: Files) -> dict[str, Any]:
    return {"tls_ca": files.path("ca.crt"), "instance_id": "localhost"}


def unknown_method(channel: aio.Channel) -> Any:
    method: Any = channel.unary_unary("/kplug.v1.PluginService/Unknown")
    return method(b"")


def reflect(channel: aio.Channel) -> Any:
    call: Any = channel.stream_stream(
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        reflection_pb2.ServerReflectionRequest.SerializeToString,
        reflection_pb2.ServerReflectionResponse.FromString,
    )
    return call()


@pytest_asyncio.fixture
async def registry(ca: CertificateAuthority) -> AsyncIterator[FakeRegistry]:
    registry = FakeRegistry(credentials=ca.server_credentials())
    await registry.start()
    yield registry
    await registry.stop()
