import logging
import os
from pathlib import Path

import pytest
from certificates import CertificateAuthority, Files

from kplug._security._credentials import CredentialSource
from kplug._security._settings import TlsSettings
from kplug._security._tls_material import TlsMaterial
from kplug._security._token_source import TokenSource
from kplug._security._watched_file import UnusableFile, WatchedFile

LOG = logging.getLogger("kplug.test")


def test_a_change_of_the_same_size_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "token"
    watched = WatchedFile(str(file), "token", 100)
    for content in (b"one", b"two", b"six"):
        file.write_bytes(content)
        assert watched.read() == content


def test_an_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(b"one")
    os.utime(file, (1, 1))
    watched = WatchedFile(str(file), "token", 100)
    content = watched.read()
    assert watched.read() is content


def test_the_swap_of_a_symbolic_link_is_noticed(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.write({"token": b"one"})
    watched = WatchedFile(files.path("token"), "token", 100)
    assert watched.read() == b"one"
    files.write({"token": b"two"})
    assert watched.read() == b"two"


def test_errors_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    watched = WatchedFile(str(path), "token file (KPLUG_TOKEN_FILE)", 3)
    with pytest.raises(UnusableFile, match=rf"the token file \(KPLUG_TOKEN_FILE\) {path} does not exist"):
        watched.read()
    path.write_bytes(b"four")
    with pytest.raises(UnusableFile, match=r"can't be read: it has 4 bytes; the limit is 3"):
        watched.read()
    path.unlink()
    # Reading it would wait forever.
    os.mkfifo(path)
    with pytest.raises(UnusableFile, match="it is not a regular file"):
        watched.read()


@pytest.mark.parametrize("content", [b"", b"  \n", b"two words", b"\xff\xfe", b"line\nline"])
def test_a_malformed_token_is_reported_once_without_disclosing_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    source = TokenSource(None, str(file), LOG)
    assert source.current() is None
    assert source.current() is None
    assert caplog.messages == [
        "the token file (KPLUG_TOKEN_FILE) has no token; the plugin registers as soon as it is there"
    ]


def test_no_representation_has_a_secret(tmp_path: Path) -> None:
    ca = CertificateAuthority()
    (tmp_path / "ca.crt").write_bytes(ca.certificate)
    material = TlsMaterial(TlsSettings(str(tmp_path / "ca.crt"), "localhost"), "me", LOG)
    credentials = CredentialSource(TokenSource("hidden", None, LOG), material, "localhost").current()
    assert credentials is not None
    assert dict(credentials.metadata)["authorization"] == "Bearer hidden"
    secret = dict(credentials.metadata)["kplug-secret"]
    text = f"{credentials!r}{material.current()!r}"
    for hidden in ("hidden", secret, "PRIVATE KEY"):
        assert hidden not in text


@pytest.mark.parametrize("instance_id", ["", "a" * 300, 'quote", CN=other', "größe", "line\nline"])
def test_a_certificate_is_made_for_every_instance_id(tmp_path: Path, instance_id: str) -> None:
    (tmp_path / "ca.crt").write_bytes(CertificateAuthority().certificate)
    material = TlsMaterial(TlsSettings(str(tmp_path / "ca.crt"), "localhost"), instance_id, LOG).current()
    assert material is not None
    assert not material.issued
