import re
from typing import Any

import pytest

from kplug import Api, InvalidDefinition, Plugin
from kplug._api import read_apis


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": "not fine!"}, 'the plugin\'s name "not fine!" is malformed; write a name such as PostgreSQL'),
        ({"version": "1"}, 'the plugin\'s version "1" is malformed'),
        ({"version": "1.0.0\n"}, "the plugin's version"),
        ({"api": "Table"}, 'the API "Table" is malformed; write name and version, such as DatabaseTable@1.0.0'),
        ({"api": "Table@latest"}, 'the version "latest" of the API Table is malformed'),
        ({"api": "not fine!@1.0.0"}, 'the API\'s name "not fine!" is malformed'),
        ({"api": []}, "at least one"),
    ],
)
def test_a_malformed_definition_is_rejected(given: dict[str, Any], message: str) -> None:
    definition: dict[str, Any] = {"name": "Fine", "version": "1.0.0", "api": "Table@1.0.0", **given}
    with pytest.raises(InvalidDefinition, match=re.escape(message)):
        Plugin(**definition)


def test_several_apis_with_their_kinds_and_capabilities() -> None:
    apis = read_apis(
        ["Table@1.0.0", Api("Backup", "2.1.0-rc.1", ["Schedule.backup.org"], {"incremental": "yes"})], ["Options"]
    )
    assert [(api.name, api.version) for api in apis] == [("Table", "1.0.0"), ("Backup", "2.1.0-rc.1")]
    assert [(kind.group, kind.kind) for api in apis for kind in api.extension_kinds] == [
        ("", "Options"),
        ("backup.org", "Schedule"),
    ]
    assert dict(apis[1].capabilities) == {"incremental": "yes"}
