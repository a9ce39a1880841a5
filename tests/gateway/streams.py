# SPDX-License-Identifier: Apache-2.0
"""python3 streams.py SOCKET: an HTTP server that answers with a stream that never ends: /events with server-sent events, /socket with a WebSocket
that sends text frames."""
import base64
import hashlib
import http.server
import socketserver
import sys
import time

PAUSE = 0.05


class Upstream(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def get_request(self):
        connection, _ = super().get_request()
        return connection, ("gateway", 0)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def stream(self, block):
        self.end_headers()
        self.close_connection = True
        try:
            while True:
                self.wfile.write(block)
                time.sleep(PAUSE)
        except OSError:  # the other side has left
            pass

    def do_GET(self):
        if self.path == "/events":
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("X-Accel-Buffering", "no")
            self.send_header("Connection", "close")
            self.stream(b"data: event\n\n")
        else:  # RFC 6455
            key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
            self.stream(b"\x81\x05event")

    def log_message(self, *_):
        pass


Upstream(sys.argv[1], Handler).serve_forever()
