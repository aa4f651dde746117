"""Models of a hub that this test plays."""

import http.server
import os
import signal
import threading
import time

import pytest

import valence


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.set()
        if self.server.slow:
            time.sleep(60)
        self.send_error(404)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def hub(monkeypatch, tmp_path):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.block_on_close = True, False
    server.slow, server.asked = False, threading.Event()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


def test_an_unknown_model(hub):
    with pytest.raises(valence.ModelUnavailable, match="org/unknown"):
        valence.pipeline(model="org/unknown", revision="main")
    assert hub.asked.is_set()


def test_offline_asks_nobody(hub):
    with pytest.raises(valence.ModelUnavailable):
        valence.Analyzer("org/unknown", offline=True)
    assert not hub.asked.is_set()


def test_an_interrupt_ends_a_download(hub):
    hub.slow = True
    threading.Thread(target=lambda: hub.asked.wait() and os.kill(os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        valence.Analyzer("org/slow")
    assert valence.Analyzer().analyze("good").label
