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


def test_a_folder_that_cannot_be_written(server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ZooError, match="ZOO_HOME"):
        download.fetch(f"{server.url}/file", tmp_path / "file" / "x.bin", SHA256)
