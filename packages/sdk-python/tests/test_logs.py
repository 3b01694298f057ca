"""The log for people: texts of others can't forge lines or control a terminal."""

from __future__ import annotations

import logging
import sys

import pytest

from kplug._logs import _PrintableFormatter, printable

_HOSTILE = "x\r\n2026-11-29 02:18:38,123 INFO forged\x1b]52;c;eA==\x07\x9b2J\u202e\u2066\u200b\ud800"
_SHOWN = "x 2026-11-29 02:18:38,123 INFO forged\\u001b]52;c;eA==\\u0007\\u009b2J\\u202e\\u2066\\u200b\\ud800"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("PostgreSQL 数据库", "PostgreSQL 数据库"), (_HOSTILE, _SHOWN), (_SHOWN, _SHOWN)],
)
def test_makes_a_text_printable_on_one_line(text: str, expected: str) -> None:
    assert printable(text) == expected


def test_a_record_is_one_line_and_its_traceback_is_indented() -> None:
    def fail() -> None:
        raise ValueError(_HOSTILE)

    try:
        fail()
    except ValueError:
        record = logging.LogRecord("kplug", logging.ERROR, "", 0, "failed: %s", (_HOSTILE,), sys.exc_info())
    first, *others = _PrintableFormatter("%(levelname)s %(message)s").format(record).split("\n")
    assert first == f"ERROR failed: {_SHOWN}"
    assert others
    assert all(line.startswith("  ") for line in others)
