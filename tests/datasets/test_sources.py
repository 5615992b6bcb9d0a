"""Prepared folders are recognised, and the network is asked only while it answers."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from framework.datasets._sources import tfds_folder
from framework.datasets._sources.tfds_folder import can_reach, data_dirs, find_prepared, is_prepared


@pytest.fixture
def prepared(tmp_path):
    folder = tmp_path / "sample" / "1.0.0"
    folder.mkdir(parents=True)
    splits = [{"name": "train", "shardLengths": ["3", "2"], "numBytes": "20"}]
    (folder / "dataset_info.json").write_text(json.dumps({"name": "sample", "splits": splits}))
    for shard in (0, 1):
        (folder / f"sample-train.tfrecord-0000{shard}-of-00002").write_bytes(b"x" * 10)
    return folder


def test_a_whole_folder_is_prepared(prepared, tmp_path):
    assert is_prepared(prepared)
    elsewhere = tmp_path / "elsewhere"
    assert find_prepared([elsewhere, tmp_path], name="sample", version="1.0.0") == prepared
    assert find_prepared([elsewhere, tmp_path], name="sample", version="1.0.1") is None


def test_a_missing_or_short_record_file_is_not_prepared(prepared):
    shard = prepared / "sample-train.tfrecord-00001-of-00002"
    shard.write_bytes(b"x" * 9)
    assert not is_prepared(prepared)
    shard.unlink()
    assert not is_prepared(prepared)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"name": "sample", "splits": []}', '{"splits": [1], "name": 2}']
)
def test_a_damaged_description_is_not_prepared(prepared, text):
    (prepared / "dataset_info.json").write_text(text)
    assert not is_prepared(prepared)


def test_data_is_looked_for_where_the_user_says_then_at_home_then_here(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TFDS_DATA_DIR", "~/mine")
    home, root = tmp_path / "home", tmp_path / "root"
    assert data_dirs(root) == [
        home / "mine",
        home / "tensorflow_datasets",
        root / ".cache" / "tfds",
    ]
    monkeypatch.delenv("TFDS_DATA_DIR")
    assert data_dirs(root) == [home / "tensorflow_datasets", root / ".cache" / "tfds"]


@pytest.fixture
def direct(monkeypatch):
    """The tests' own servers are not behind a proxy."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def server(direct):
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(200 if self.path == "/there" else 404)
            self.end_headers()

        def log_message(self, *args):
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_server_that_has_the_file_is_reached(server):
    assert can_reach(f"{server}/there")
    assert not can_reach(f"{server}/elsewhere")


def test_a_closed_port_is_not_reached(direct):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert not can_reach(f"http://127.0.0.1:{taken.getsockname()[1]}/")


def test_a_server_that_never_answers_is_not_waited_for(direct, monkeypatch):
    monkeypatch.setattr(tfds_folder, "PROBE_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert not can_reach(f"http://127.0.0.1:{silent.getsockname()[1]}/")
