"""Check that a client of the plugin is the operator's caller."""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from functools import lru_cache
from typing import Any

import grpc
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from grpc import aio

from kplug._security._limits import MAX_JUDGED_CERTIFICATES, REFUSAL_LOG_INTERVAL
from kplug._security._own_certificate import MALFORMED

CALLER_URI = "kplug://caller"
"""URI in the certificate with which the operator calls plugins."""

_REFUSAL = "only the operator may call the plugin"

_Identity = Mapping[str, Iterable[bytes]]
"""Properties of a TLS client, as gRPC returns them."""


def problem_of_caller(identity: _Identity) -> str | None:
    """Returns why a TLS client, whose certificate gRPC has verified, is not the operator's caller; `None` if it is.

    A certificate of the operator's CA is not enough: its heartbeat server, and others if the CA is shared, have one.
    """
    certificate = _only(identity, "x509_pem_cert")
    if certificate is None:
        return "it has no certificate"
    if _only(identity, "ssl_tls_version") != b"TLSv1.3":
        return "it does not use TLS 1.3"
    # A resumed session would be believed without its certificate being verified again.
    if _only(identity, "ssl_session_reused") != b"false":
        return "it resumed an earlier session"
    return _problem_of_certificate(certificate)


@lru_cache(maxsize=MAX_JUDGED_CERTIFICATES)
def _problem_of_certificate(pem: bytes) -> str | None:
    try:
        extensions = x509.load_pem_x509_certificate(pem).extensions
    except MALFORMED as error:
        return f"its certificate can't be read: {error}"
    usages = [extension.value for extension in extensions if isinstance(extension.value, x509.ExtendedKeyUsage)]
    if not any(ExtendedKeyUsageOID.CLIENT_AUTH in usage for usage in usages):
        return "its certificate is not for clients (clientAuth)"
    names = [extension.value for extension in extensions if isinstance(extension.value, x509.SubjectAlternativeName)]
    if not any(CALLER_URI in name.get_values_for_type(x509.UniformResourceIdentifier) for name in names):
        return f"its certificate lacks the URI {CALLER_URI}"
    return None


def _only(identity: _Identity, name: str) -> bytes | None:
    values = list(identity.get(name) or ())
    return values[0] if len(values) == 1 else None


class OnlyCaller(aio.ServerInterceptor):
    """Refuses all calls but those of the operator, also of methods that don't exist. gRPC itself can't check names."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._logged_at = float("-inf")
        self._unlogged = 0

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any]:
        """Returns the handler of a call, with the check before it."""
        handler: Any = await continuation(handler_call_details)
        if handler is None:
            return grpc.unary_unary_rpc_method_handler(self._unimplemented)
        kind = f"{_arity(handler.request_streaming)}_{_arity(handler.response_streaming)}"
        checked = self._checked(getattr(handler, kind))
        make: Any = getattr(grpc, f"{kind}_rpc_method_handler")
        made: grpc.RpcMethodHandler[Any, Any] = make(checked, handler.request_deserializer, handler.response_serializer)
        return made

    def _checked(self, behavior: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        # gRPC tells async generator functions from coroutine functions, and runs any other function in a thread.
        if inspect.isasyncgenfunction(behavior):

            async def generate(request: Any, context: aio.ServicerContext[Any, Any]) -> AsyncGenerator[Any, None]:
                await self._check(context)
                async with aclosing(behavior(request, context)) as responses:
                    async for response in responses:
                        yield response

            return generate

        async def answer(request: Any, context: aio.ServicerContext[Any, Any]) -> Any:
            await self._check(context)
            return await behavior(request, context)

        return answer

    async def _unimplemented(self, _: bytes, context: aio.ServicerContext[Any, Any]) -> None:
        await self._check(context)
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")

    async def _check(self, context: aio.ServicerContext[Any, Any]) -> None:
        problem = problem_of_caller(context.auth_context())
        if problem is not None:
            self._log_refusal(f"refused the client {context.peer()}: {problem}; {_REFUSAL}")
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, f"{problem}; {_REFUSAL}")

    def _log_refusal(self, message: str) -> None:
        """Logs a refusal, unless one was logged a short time ago."""
        now = time.monotonic()
        if now - self._logged_at < REFUSAL_LOG_INTERVAL:
            self._unlogged += 1
            return
        self._log.warning("%s%s", message, f" (and {self._unlogged} more before)" if self._unlogged else "")
        self._logged_at = now
        self._unlogged = 0


def _arity(streaming: bool) -> str:
    return "stream" if streaming else "unary"
