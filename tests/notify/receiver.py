#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A receiver of webhooks for tests, over HTTPS or HTTP, with the faults that a real one does not have on demand.

    receiver.py DIRECTORY CERTIFICATE|http [ADDRESS]

The path sets what is done with a request: /200, /503/retry/7, /slow, ... (see `faults`). Writes DIRECTORY/address once it listens; for
each request DIRECTORY/requests, a line: connection, method, path, status of its signatures, ID; and DIRECTORY/last, the headers and body.
"""

import base64
import hmac
import http.server
import json
import os
import socketserver
import ssl
import sys
import time

directory, certificate = sys.argv[1:3]
listen = sys.argv[3] if len(sys.argv) > 3 else "127.0.0.1"
ALLOWED = 300


def key(number):
    return bytes([number]) * 32


def signatures(headers, body):
    """For each key of the sender, the position of its signature: the receiver's own view of the specification."""
    identity, seconds = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not seconds.isdecimal() or abs(time.time() - int(seconds)) > ALLOWED:
        return "old"
    listed = headers.get("webhook-signature", "").split(" ")
    content = f"{identity}.{seconds}.".encode() + body
    found = []
    for number in range(1, len(listed) + 1):
        wanted = "v1," + base64.b64encode(hmac.digest(key(number), content, "sha256")).decode()
        found.append(str(listed.index(wanted) + 1) if wanted in listed else "-")
    return ",".join(found)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    connections = 0

    def setup(self):
        super().setup()
        Handler.connections += 1
        self.connection_number = Handler.connections

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        with open(os.path.join(directory, "last"), "w", encoding="utf-8") as file:
            json.dump({"headers": dict(self.headers.items()), "body": body.decode()}, file)
        with open(os.path.join(directory, "requests"), "a", encoding="ascii") as file:
            file.write(f"{self.connection_number} {self.command} {self.path} {signatures(self.headers, body)} "
                       f"{self.headers.get('webhook-id')}\n")
        words = self.path.strip("/").split("/")
        faults.get(words[0], Handler.answer)(self, words)

    def answer(self, words):
        status = int(words[0])
        self.send_response(status)
        if words[1:2] == ["retry"]:
            self.send_header("Retry-After", words[2].replace("%20", " "))
        if words[1:2] == ["location"]:
            self.send_header("Location", "https://" + words[2] + "/200")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def raw(self, data):
        try:
            self.wfile.write(data)
            self.wfile.flush()
            return True
        except OSError:
            return False
        finally:
            self.close_connection = True

    def hang(self, _words):
        time.sleep(60)

    def endless(self, _words):
        self.raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        sent = 0
        while self.raw(b"x" * 4096):
            sent += 4096
        with open(os.path.join(directory, "endless"), "w", encoding="ascii") as file:
            file.write(f"{sent}\n")

    def drip(self, _words):
        self.raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        while self.raw(b"x"):
            time.sleep(0.1)

    def headers_without_end(self, _words):
        self.raw(b"HTTP/1.1 200 OK\r\n")
        while self.raw(b"X-Header: " + b"x" * 200 + b"\r\n"):
            pass

    def continues_without_end(self, _words):
        while self.raw(b"HTTP/1.1 100 Continue\r\n\r\n"):
            pass

    def cut(self, _words):
        self.raw(b"HTTP/1.1 200 OK\r\nContent-Le")

    def half(self, _words):
        self.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx")

    def nothing(self, _words):
        self.raw(b"")

    def garbage(self, _words):
        self.raw(b"\x00\xff\x1b[31mSSH-2.0\r\n\r\n")

    def colours(self, _words):
        self.raw(b"HTTP/1.1 500 \x1b[31mred\r\nRetry-After: \x1b[31m9\r\n\r\n")

    def log_message(self, format, *arguments):
        pass


faults = {
    "hang": Handler.hang, "endless": Handler.endless, "drip": Handler.drip, "headers": Handler.headers_without_end,
    "continues": Handler.continues_without_end, "cut": Handler.cut, "half": Handler.half, "nothing": Handler.nothing,
    "garbage": Handler.garbage, "colours": Handler.colours,
}


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


server = Server((listen, 0), Handler)
if certificate != "http":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(directory, certificate + ".pem"), os.path.join(directory, certificate + ".key"))
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
with open(os.path.join(directory, "address.new"), "w", encoding="ascii") as file:
    file.write(f"localhost:{server.server_port}\n")
os.rename(os.path.join(directory, "address.new"), os.path.join(directory, "address"))
server.serve_forever()
