"""Tests of `name_from`."""

from types import SimpleNamespace
from typing import Any

import pytest

from kplug import name_from


def named(name: str) -> Any:
    return SimpleNamespace(metadata=SimpleNamespace(name=name))


@pytest.mark.parametrize(
    ("name", "suffix", "max_length", "expected"),
    [
        ("users", "db", 63, "users-db"),
        ("a" * 60, "db", 63, f"{'a' * 60}-db"),
        # The same in TypeScript, in packages/sdk/src/name-from.test.ts.
        ("a" * 61, "db", 63, f"{'a' * 54}-605b2a30"),
        (f"{'a' * 53}.b", "database", 63, f"{'a' * 53}-2330b093"),
        ("a" * 253, "db", 253, f"{'a' * 244}-a055bd8e"),
    ],
)
def test_names_are_stable_and_short_enough(name: str, suffix: str, max_length: int, expected: str) -> None:
    assert name_from(named(name), suffix, max_length) == expected


def test_a_name_that_is_too_short_is_refused() -> None:
    with pytest.raises(ValueError, match="too short"):
        name_from(named("a"), "db", 9)
