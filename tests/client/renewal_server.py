#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""POST /v1/renew for tests, with the faults that a real server does not have on demand.

    renewal_server.py DIRECTORY unix|https

Reads for each request: DIRECTORY/successors, lines "PREDECESSOR SUCCESSOR" (one without a successor is current, any other is refused), and
the first line of DIRECTORY/faults, which it removes. Writes DIRECTORY/address once it listens, and DIRECTORY/requests, a line each:
method, path, credential, what was done.
"""

import fcntl
import http.server
import json
import os
import socketserver
import ssl
import sys
import time

directory, kind = sys.argv[1:]


def lines_of(name):
    try:
        with open(os.path.join(directory, name), encoding="ascii") as file:
            return file.read().splitlines()
    except FileNotFoundError:
        return []


def take_fault():
    """Each fault is for one request, also if several come at once."""
    with open(os.path.join(directory, "faults.lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lines = lines_of("faults")
        if not lines:
            return ["none"]
        with open(os.path.join(directory, "faults.new"), "w", encoding="ascii") as file:
            file.write("".join(line + "\n" for line in lines[1:]))
        os.rename(os.path.join(directory, "faults.new"), os.path.join(directory, "faults"))
        return lines[0].split()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def note(self, what):
        with open(os.path.join(directory, "requests"), "a", encoding="ascii") as file:
            file.write(f"{self.command} {self.path} {self.presented()} {what}\n")

    def presented(self):
        return self.headers.get("Authorization", "-").removeprefix("Bearer ")

    def answer(self, status, body=b"", headers=(), declared=None):
        self.send_response(status)
        self.send_header("Cache-Control", "no-store")
        for name, value in headers:
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body) if declared is None else declared))
        self.end_headers()
        self.wfile.write(body)

    def problem(self, status, code, headers=()):
        body = json.dumps({"type": "about:blank", "status": status, "detail": "no", "code": code})
        self.answer(status, body.encode(), [("Content-Type", "application/problem+json"), *headers])

    def renew(self, fault, argument):
        pairs = [line.split() for line in lines_of("successors")]
        known = {text for pair in pairs for text in pair}
        successors = {pair[0]: pair[1] for pair in pairs if len(pair) == 2}
        if self.presented() not in known:
            self.note("rejected")
            return self.problem(401, "invalid")
        if self.presented() not in successors:
            self.note("current")
            return self.answer(204, headers=[("Sealring-Expires", "Sat, 31 Jan 2099 00:00:00 GMT")])
        self.note("renewed" if fault == "none" else fault)
        body = json.dumps({"credential": successors[self.presented()], "key_id": "AAAABBBBCCCCDDDD", "version": 2,
                           "expires": "2099-01-31T00:00:00Z", "predecessor_until": "2098-01-31T00:00:00Z"}).encode()
        if fault == "slow-after":
            time.sleep(float(argument))
        if fault == "lose":
            self.close_connection = True
            return self.connection.close()
        if fault == "cut":
            self.close_connection = True
            return self.answer(200, body[:20], declared=len(body))
        if fault == "body":
            body = argument.encode()
        if fault == "large":
            body = body + b" " * 100000
        return self.answer(200, body)

    def do_POST(self):
        fault, argument = (take_fault() + [""])[:2]
        if fault == "slow":
            time.sleep(float(argument))
            fault = "none"
        if not fault.isdigit():
            return self.renew(fault, argument)
        self.note(fault)
        extra = {"302": "Location", "307": "Location", "308": "Location"}.get(fault, "Retry-After")
        return self.problem(int(fault), "made-up", [(extra, argument)] if argument else [])

    do_GET = do_POST

    def log_message(self, *arguments):
        pass


class UnixServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def get_request(self):
        request, _ = super().get_request()
        return request, ("local", 0)


class HttpsServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def finish_request(self, request, client_address):
        try:
            super().finish_request(self.context.wrap_socket(request, server_side=True), client_address)
        except (ssl.SSLError, OSError):
            pass  # a client that does not trust the certificate


if kind == "unix":
    server = UnixServer(os.path.join(directory, "socket"), Handler)
    address = "unix:" + os.path.join(directory, "socket")
else:
    server = HttpsServer(("127.0.0.1", 0), Handler)
    server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.context.load_cert_chain(os.path.join(directory, "certificate"), os.path.join(directory, "key"))
    address = f"https://localhost:{server.server_address[1]}"
with open(os.path.join(directory, "address.new"), "w", encoding="ascii") as file:
    file.write(address)
os.rename(os.path.join(directory, "address.new"), os.path.join(directory, "address"))
server.serve_forever()
