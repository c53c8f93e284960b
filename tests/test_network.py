"""No test reaches another machine (``conftest.py``); the service is tested at this one."""

import socket
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

ELSEWHERE = "192.0.2.1"  # of RFC 5737, nobody's


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, ELSEWHERE), (socket.AF_INET6, "2001:db8::1")])
def test_a_connection_elsewhere_fails(family, host):
    with socket.socket(family) as opened:
        for connect in (opened.connect, opened.connect_ex):
            with pytest.raises(pytest.fail.Exception, match=f"connection to {host}"):
                connect((host, 80))


def test_a_name_is_not_looked_up():
    """Also where the library passes over errors of its own: this is none of them."""
    with pytest.raises(pytest.fail.Exception, match="address of example"):
        urllib.request.urlopen("http://example.org/")


def test_this_machine_answers():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(204)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        for name in ("127.0.0.1", "localhost"):
            socket.getaddrinfo(name, server.server_port)
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/", timeout=60) as answer:
            assert answer.status == 204
