"""Downloads from a real server on this machine, which behaves as badly as it is told to."""

import gzip
import hashlib
import threading

import pytest

from zoo import download
from zoo.errors import ZooError

BODY = bytes(range(256)) * 4000  # about a megabyte
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def server(server):
    server.body = BODY
    return server


def test_the_right_bytes_once(server, tmp_path):
    target = tmp_path / "deep/down/file.bin"
    assert download.fetch(f"{server.url}/file", target, SHA256) == target
    assert target.read_bytes() == BODY
    download.fetch(f"{server.url}/file", target, SHA256)
    assert len(server.asked) == 1
    assert not list(target.parent.glob("*.part"))


def test_a_wrong_hash_removes_the_file_and_shows_both(server, tmp_path):
    with pytest.raises(ZooError) as caught:
        download.fetch(f"{server.url}/file", tmp_path / "file.bin", "0" * 64)
    assert SHA256 in str(caught.value) and "0" * 64 in str(caught.value)
    assert [path.suffix for path in tmp_path.iterdir()] in ([], [".lock"])


def test_the_hash_of_a_gzip_file_is_of_its_content(server, tmp_path):
    server.body = gzip.compress(BODY, mtime=12345)
    download.fetch(f"{server.url}/file", tmp_path / "file.gz", SHA256)
    assert gzip.decompress((tmp_path / "file.gz").read_bytes()) == BODY
    server.body = b"no gzip at all"
    with pytest.raises(ZooError, match="damaged gzip"):
        download.fetch(f"{server.url}/file", tmp_path / "other.gz", SHA256)


@pytest.mark.parametrize("ranges", [True, False])
def test_a_cut_connection_is_resumed(server, tmp_path, ranges):
    server.ranges, server.cuts = ranges, [300_000, 200_000]
    download.fetch(f"{server.url}/file", tmp_path / "file.bin", SHA256)
    assert (tmp_path / "file.bin").read_bytes() == BODY
    second = "bytes=500000-" if ranges else "bytes=200000-"
    assert server.asked == [None, "bytes=300000-", second]


def test_cut_too_often_keeps_what_came_and_the_next_call_carries_on(server, tmp_path):
    server.cuts = [1000] * download.ATTEMPTS
    with pytest.raises(ZooError, match="4,000 bytes are kept"):
        download.fetch(f"{server.url}/file", tmp_path / "file.bin", SHA256)
    assert not (tmp_path / "file.bin").exists()
    download.fetch(f"{server.url}/file", tmp_path / "file.bin", SHA256)
    assert (tmp_path / "file.bin").read_bytes() == BODY
    assert server.asked[-1] == "bytes=4000-"


def test_a_part_that_is_whole_already(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(BODY)
    download.fetch(f"{server.url}/file", tmp_path / "file.bin", SHA256)
    assert (tmp_path / "file.bin").read_bytes() == BODY


def test_an_absent_file_is_not_asked_for_again(server, tmp_path):
    with pytest.raises(ZooError, match="404"):
        download.fetch(f"{server.url}/absent", tmp_path / "file.bin", SHA256)
    assert len(server.asked) == 1


def test_no_server(server, tmp_path):
    with pytest.raises(ZooError, match="could not be downloaded"):
        download.fetch("http://127.0.0.1:9/file", tmp_path / "file.bin", SHA256)


def test_two_at_once_download_once(server, tmp_path):
    failures = []

    def work():
        try:
            download.fetch(f"{server.url}/file", tmp_path / "file.bin", SHA256)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures and len(server.asked) == 1
    assert (tmp_path / "file.bin").read_bytes() == BODY


@pytest.mark.parametrize("length", [None, "many", "-5", "9" * 5000])
@pytest.mark.parametrize("size", [None, len(BODY)])
def test_a_length_that_is_none(length, size, server, tmp_path):
    server.length = length
    download.fetch(f"{server.url}/file", tmp_path / "file.bin", SHA256, size)
    assert (tmp_path / "file.bin").read_bytes() == BODY


BAD = {  # what the server does, the size that is known, and what is said
    "more than there should be": ({"length": None}, 1000, "larger than the 1,000 bytes"),
    "more than it says": ({"length": str(10**30)}, None, "larger than the"),
    "no end": ({"length": None}, None, "larger than the 500,000 bytes"),
    "to a file": ({"leads_to": "file:///etc/hostname"}, None, "302 .*'file:///etc/hostname' is not allowed"),
    "to FTP": ({"leads_to": "ftp://127.0.0.1:9/x"}, None, "leads to ftp://127.0.0.1:9/x, not of the web"),
    "in a circle": ({"leads_to": "/file"}, None, "infinite loop"),
    "a byte at a time": ({"drips": True}, None, "fewer than 30,000 bytes came in 0.3 seconds"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_server(case, server, tmp_path, monkeypatch):
    behaviour, size, expected = BAD[case]
    vars(server).update(behaviour)
    monkeypatch.setattr(download, "LARGEST", 500_000 if case == "no end" else 2_000_000)
    monkeypatch.setattr(download, "TIMEOUT", 0.3)
    with pytest.raises(ZooError, match=expected):
        download.fetch(f"{server.url}/file", tmp_path / "file.bin", SHA256, size)
    assert not (tmp_path / "file.bin").exists()
    assert not (tmp_path / "file.bin.part").exists() or case == "a byte at a time"


def test_another_address_of_the_web_is_followed(server, tmp_path):
    server.leads_to = f"{server.url}/absent"
    with pytest.raises(ZooError, match="404"):
        download.fetch(f"{server.url}/file", tmp_path / "file.bin", SHA256)


def test_what_is_inside_a_gzip_file_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "LARGEST", 10**6)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(bytes(10**7)))
    assert "more than 1,000,000 bytes" in download.content_digest(tmp_path / "bomb.gz")


def test_a_folder_that_cannot_be_written(server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ZooError, match="ZOO_HOME"):
        download.fetch(f"{server.url}/file", tmp_path / "file" / "x.bin", SHA256)
