# SPDX-License-Identifier: Apache-2.0
"""The parts of a year: the injected clock, real processes that can be killed, a network that fails, and who watches the files."""
import http.client
import http.server
import os
import re
import signal
import socket
import socketserver
import subprocess
import threading
import time

CREDENTIAL = re.compile(r"acme_live_[0-9A-Za-z]{16}_[0-9]+_[0-9A-Za-z]{49}\n?\Z")
OWNER_ADDRESS, THIEF_ADDRESS = "203.0.113.5", "198.51.100.66"
DAY = 86400


class Trouble(Exception):
    """The test itself cannot go on."""


def until(condition, words, seconds=60):
    """Waits for a condition, a minute at most: the machine may be busy."""
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise Trouble("waited in vain: " + words)
        time.sleep(0.05)


class Clock:
    """The wall clock of all programs, by libfaketime; hosts may be a day off."""

    def __init__(self, work, library):
        self.work, self.library, self.now = work, library, 0
        self.shifts = {"right": 0, "fast": DAY, "slow": -DAY}
        self.advance(0)

    def file(self, name):
        return os.path.join(self.work, name + ".clock")

    def advance(self, seconds):
        self.now += seconds
        for name, shift in self.shifts.items():
            with open(self.file(name) + ".new", "w", encoding="ascii") as out:
                out.write("%+d\n" % (self.now + shift))
            os.rename(self.file(name) + ".new", self.file(name))

    def environment(self, name="right"):
        return dict(os.environ, LD_PRELOAD=self.library, FAKETIME_TIMESTAMP_FILE=self.file(name), FAKETIME_NO_CACHE="1",
                    DONT_FAKE_MONOTONIC="1")


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("x", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(path, method, target, headers):
    """One request: (status, headers, body); status 0 if nobody answers."""
    connection = UnixConnection(path)
    try:
        connection.request(method, target, headers=headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    except (OSError, http.client.HTTPException):
        return 0, {}, b""
    finally:
        connection.close()


def renew(path, credential, address):
    return ask(path, "POST", "/v1/renew", {"Authorization": "Bearer " + credential, "X-Real-IP": address})


class Killable:
    """A real process that is started again whenever somebody has killed it."""

    def __init__(self, name, arguments, environment, log, ready=None, **more):
        self.name, self.arguments, self.environment, self.log = name, arguments, environment, log
        self.ready, self.more, self.process, self.kills = ready, more, None, 0

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.arguments, env=self.environment, stderr=log, **self.more)
        if self.ready is not None:
            until(lambda: self.ready() or self.process.poll() is not None, self.name + " starts")

    def is_dead(self):
        return self.process is None or self.process.poll() is not None

    def repair(self):
        """Returns whether it was dead."""
        dead = self.is_dead()
        tries = 0
        while self.is_dead():
            tries += 1
            if tries > 20:
                raise Trouble(self.name + " does not start: see " + self.log)
            self.start()
        return dead

    def kill(self):
        process = self.process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGKILL)
            self.kills += 1

    def stop(self):
        if self.is_dead():
            return
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Host(Killable):
    """A process with clients of libsealring-client. After it was killed it opens them again from their files."""

    def __init__(self, name, program, clock, which, log):
        super().__init__(name, [program], clock.environment(which), log, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         text=True, bufsize=1)
        self.clients = []

    def add(self, file, url):
        self.clients.append((file, url))
        return len(self.clients) - 1

    def line(self, text):
        """None: it was killed."""
        try:
            self.process.stdin.write(text + "\n")
            answer = self.process.stdout.readline()
        except OSError:
            return None
        return answer.rstrip("\n") if answer.endswith("\n") else None

    def start(self):
        super().start()
        for number, (file, url) in enumerate(self.clients):
            answer = self.line("open %d %s %s" % (number, file, url))
            if answer is None:
                self.process.wait()
                return
            if answer != "open":
                raise Trouble("%s: %s" % (self.name, answer))

    def ask(self, text):
        """Asks it, or the process that takes its place."""
        while True:
            self.repair()
            answer = self.line(text)
            if answer is not None:
                return answer
            self.process.wait()


class Network:
    """Between the clients and the listener for renewals: cuts requests off, and loses responses after the commit."""

    def __init__(self, path, behind, rng):
        self.behind, self.rng, self.faults = behind, rng, False
        self.cut, self.lost, self.passed = 0, 0, 0
        self.presented, self.successors, self.lock = set(), {}, threading.Lock()
        network = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def address_string(self):
                return "client"

            def log_message(self, *_):
                pass

            def do_POST(self):
                network.serve(self)

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads, request_queue_size = True, 512

            def handle_error(self, *_):
                pass  # a client that was killed meanwhile

        self.server = Server(path, Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def fate(self):
        with self.lock:
            number = self.rng.random() if self.faults else 1.0
            if number < 0.15:
                self.cut += 1
            return "cut" if number < 0.15 else "lose" if number < 0.4 else "pass"

    def note(self, credential, body):
        found = re.search(rb'"credential": *"([^"]+)"', body)
        with self.lock:
            self.presented.add(credential)
            if found:
                self.successors.setdefault(credential, set()).add(found.group(1).decode())

    def serve(self, handler):
        fate, credential = self.fate(), handler.headers.get("Authorization", "").replace("Bearer ", "")
        handler.close_connection = True
        if fate == "cut":
            return
        status, headers, body = renew(self.behind, credential, OWNER_ADDRESS)
        self.note(credential, body)
        if status == 0:
            return
        if fate == "lose" and status == 200:
            with self.lock:
                self.lost += 1
            return
        handler.send_response(status)
        for name in ("Content-Type", "Retry-After"):
            if headers.get(name):
                handler.send_header(name, headers[name])
        if status != 204:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
        with self.lock:
            self.passed += 1


class Watch(threading.Thread):
    """Examines the clients' files all the time: whole, and nobody else's."""

    def __init__(self, directories):
        super().__init__(daemon=True)
        self.directories, self.examined, self.bad, self.stopped = directories, 0, set(), threading.Event()

    def examine(self, path):
        try:
            mode = os.lstat(path).st_mode
            text = ""
            if path.endswith(".key"):
                with open(path, encoding="ascii") as file:
                    text = file.read()
        except FileNotFoundError:
            if path.endswith(".key"):
                self.bad.add(path + " is missing")
            return
        self.examined += 1
        if mode & 0o077:
            self.bad.add("%s has mode %o" % (path, mode))
        if path.endswith(".key") and not CREDENTIAL.match(text):
            self.bad.add(path + " has no whole credential")

    def run(self):
        while not self.stopped.wait(0.1):
            for directory in self.directories:
                for name in os.listdir(directory):
                    if not name.startswith("filler"):
                        self.examine(os.path.join(directory, name))


class Killer(threading.Thread):
    """Kills one of the processes now and then, wherever they are; each in its turn, in an order that is new each time."""

    def __init__(self, victims, rng, pause):
        super().__init__(daemon=True)
        self.victims, self.rng, self.pause, self.stopped = victims, rng, pause, threading.Event()

    def run(self):
        deck = []
        while not self.stopped.wait(self.rng.uniform(self.pause / 4, self.pause)):
            if not deck:
                deck = self.rng.sample(self.victims, len(self.victims))
            deck.pop().kill()
