"""Types of the API: mypy must report exactly the errors that are marked here."""

from dataclasses import dataclass
from typing import Any, TypedDict

from typing_extensions import assert_type

from kplug import Call, FinalizeCall, Plugin, Resource, Result


@dataclass
class Spec:
    size: int


class Options(TypedDict):
    speed: int


typed = Plugin("Typed", version="1.0.0", api="Table@1.0.0", spec=Spec, extensions={"Options": Options})
untyped = Plugin("Untyped", version="1.0.0", api="Table@1.0.0")


@typed.reconcile
async def reconcile(call: Call[Spec]) -> Result:
    assert_type(call.base.spec.size, int)
    options = call.extensions.get(Options)
    assert_type(options, Resource[Options] | None)
    return Result(extensions={options: {"doubled": options.spec["speed"] * 2}} if options else {})


@typed.finalize
def finalize(call: FinalizeCall[Spec]) -> None:
    spec = call.base.spec
    assert_type(spec.size if isinstance(spec, Spec) else None, int | None)


@untyped.reconcile
def reconcile_untyped(call: Call) -> None:
    assert_type(call.base.spec["anything"], Any)


@untyped.finalize  # type: ignore[type-var]
def finalize_wrongly(call: Call) -> Result:
    return Result(status=call.base.spec)


def test_decorators_return_the_function() -> None:
    assert reconcile.__name__ == "reconcile"
    assert finalize.__name__ == "finalize"
    assert reconcile_untyped.__name__ == "reconcile_untyped"
