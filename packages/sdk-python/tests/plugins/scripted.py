"""Plugin process for tests with a real operator, scripted by its resources.

It reads its name, version and delay from the environment, and prints a line for each call.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from typing import Literal

from kplug import Call, Condition, Event, FinalizeCall, Message, Plugin, Progress, Result, Retry, Terminal

DELAY = float(os.environ.get("TEST_PLUGIN_DELAY", "0")) / 1000


@dataclass
class Column:
    name: str
    type: Literal["string", "int64"] = "string"


@dataclass
class Table:
    columns: list[Column] = field(default_factory=list)
    fail: Literal["once", "terminal", "bug"] | None = None
    lasting: bool = False
    """True for an operation that only another process ends."""


@dataclass
class Options:
    partitions: int = 4


plugin = Plugin(
    os.environ["TEST_PLUGIN_NAME"],
    version=os.environ.get("TEST_PLUGIN_VERSION", "1.0.0"),
    api="Table@1.0.0",
    spec=Table,
    extensions={"PgOptions": Options},
)


@plugin.reconcile
def reconcile(call: Call[Table]) -> Result:
    name, spec = call.base.metadata.name, call.base.spec
    # A single write, as threads print concurrently.
    print(f"reconcile {name}\n", end="", flush=True)
    call.cancelled.wait(DELAY)
    if spec.fail == "terminal":
        raise Terminal("the table can't be", reason="Impossible")
    if spec.fail == "bug":
        raise ZeroDivisionError("divided by zero")
    if spec.fail == "once" and call.attempt == 1:
        raise Retry("the database starts", reason="Starting", after=0.02)
    if spec.lasting:
        return _continue(call)
    extension = call.extensions.get(Options)
    return Result(
        status={
            "columns": [asdict(column) for column in spec.columns],
            "attempt": call.attempt,
            "process": os.getpid(),
        },
        extensions={} if extension is None else {extension: {"partitions": extension.spec.partitions}},
        conditions=[Condition("BackupTaken", False, "TooYoung", "the table is new")],
        messages=[Message("Narrowed", "to 63 bits", severity="warning", extension=extension)],
        events=[Event("DriftCorrected", "a column was gone", type="Warning")],
    )


def _continue(call: Call[Table]) -> Result:
    token = str(os.getpid())
    if call.operation is None or call.operation.token == token:
        return Result(progress=Progress(50, "waiting for another process", token=token, after=0.02))
    return Result(status={"token": call.operation.token, "percentage": call.operation.percentage})


@plugin.finalize
async def finalize(call: FinalizeCall[Table]) -> None:
    base = call.base
    print(f"finalize {base.metadata.name} {call.cause} {type(base.spec).__name__}\n", end="", flush=True)


if __name__ == "__main__":
    plugin.run()
