# SPDX-License-Identifier: Apache-2.0
"""python3 upstream.py SOCKET: an HTTP server behind a gateway that answers with the request line and all headers that it got, one a line."""
import http.server
import socketserver
import sys


class Upstream(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128

    def get_request(self):
        connection, _ = super().get_request()
        return connection, ("gateway", 0)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        lines = [self.requestline] + [f"{name.lower()}: {value}" for name, value in self.headers.items()]
        body = "".join(line + "\n" for line in lines).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_HEAD = answer

    def log_message(self, *_):
        pass


Upstream(sys.argv[1], Handler).serve_forever()
