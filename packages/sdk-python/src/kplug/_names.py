"""Names of dependents."""

from __future__ import annotations

import hashlib
from typing import Any

from kplug._resource import Resource

_HASH_LENGTH = 8


def name_from(base: Resource[Any], suffix: str, max_length: int = 63) -> str:
    """Returns a name for a dependent, made of the name of its base and a suffix: `users-db`.

    A longer one is shortened and ends with a hash of the whole name, so that it stays unique and the same. `suffix` has
    lower case letters, digits and `-`. `max_length` is in characters: 63, which Services, StatefulSets and labels
    allow, or up to 253 for other kinds. Raises `ValueError` if it is less than 10.
    """
    if max_length <= _HASH_LENGTH + 1:
        raise ValueError(f"a name of {max_length} characters is too short; allow at least 10")
    name = f"{base.metadata.name}-{suffix}"
    if len(name) <= max_length:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_HASH_LENGTH]
    # A name must not have a dot or a dash before another one.
    start = name[: max_length - _HASH_LENGTH - 1].rstrip("-.")
    return f"{start}-{digest}"
