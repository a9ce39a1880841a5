# SPDX-License-Identifier: Apache-2.0
"""What the hooks of this directory share: the event, the settings beside the hook, and requests that leave nothing to chance."""

import http.client
import os
import ssl
import stat
import sys
import time
import urllib.parse

ANSWER_MAX = 1 << 20
ATTEMPTS = 3


class Failure(Exception):
    """Why the hook fails: the last line that it prints."""


class Successor:
    """What sealring passes: see sealring-handover(1)."""

    def __init__(self, environment, stream):
        self.event = environment.get("SEALRING_EVENT", "")
        self.names = {name: environment.get("SEALRING_" + name.upper(), "")
                      for name in ("client", "label", "ring", "key_id", "version")}
        self.text = stream.read().rstrip("\n") if self.is_known() else ""
        if self.is_known() and not self.text:
            raise Failure("standard input has no credential")

    def is_known(self):
        return self.event in ("successor", "sealed-successor")

    def fill(self, template):
        """{client}, {label}, {ring}, {key_id} and {version} become what they are."""
        try:
            return template.format(**self.names)
        except (KeyError, IndexError, ValueError):
            raise Failure("the settings have a template that is not valid: " + template) from None


def read_secret(path):
    """The first line of a file that only its owner can read."""
    try:
        with open(path, encoding="ascii") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise Failure(path + " can be read by others than its owner: chmod 600 it")
            return file.readline().strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise Failure(f"{path} cannot be read: {problem.__class__.__name__}") from None


def read_settings(path, defaults):
    """Lines KEY = VALUE; every key is one of `defaults`, and one whose default is None has to be there."""
    settings = dict(defaults)
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except OSError as problem:
        raise Failure(f"{path} cannot be read: {problem.strerror}") from None
    for number, line in enumerate(lines, 1):
        key, equals, value = (part.strip() for part in line.partition("="))
        if not key or key.startswith("#"):
            continue
        if not equals or key not in settings:
            raise Failure(f"{path}: line {number} has no known key")
        settings[key] = value
    for key, value in settings.items():
        if value is None:
            raise Failure(f"{path} has no `{key}`")
    return settings


class Server:
    """One server, over HTTPS. It follows no redirection, uses no proxy, and nothing of what it sends is in a message."""

    def __init__(self, url, ca_file="", pause="1"):
        parts = urllib.parse.urlsplit(url)
        local = parts.hostname in ("127.0.0.1", "::1", "localhost")
        if parts.scheme != "https" and not (parts.scheme == "http" and local) or not parts.hostname:
            raise Failure("the address of the server is not https://HOST: " + url)
        self.base, self.host, self.pause = parts.path.rstrip("/"), parts.netloc, float(pause)
        if parts.scheme == "http":
            self.connect = lambda: http.client.HTTPConnection(self.host, timeout=8)
        else:
            context = ssl.create_default_context(cafile=ca_file or None)
            self.connect = lambda: http.client.HTTPSConnection(self.host, timeout=8, context=context)

    def once(self, method, path, headers, body):
        connection = self.connect()
        try:
            connection.request(method, self.base + path, body=body, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read(ANSWER_MAX), answer.headers
        finally:
            connection.close()

    def ask(self, method, path, make_headers, body=None, again=lambda status, answer: False):
        """The status and the answer. After 429, 5xx, what `again` accepts, or no answer: once more, after what Retry-After asks for, if that
        is short. sealring tries the whole hook again later."""
        for attempt in range(1, ATTEMPTS + 1):
            pause = self.pause * 2 ** (attempt - 1)
            try:
                status, answer, headers = self.once(method, path, make_headers(), body)
            except ssl.SSLCertVerificationError as problem:
                raise Failure(f"{self.host}: its certificate is not valid: {problem.verify_message}") from None
            except (OSError, http.client.HTTPException) as problem:
                status, answer, headers, reason = 0, b"", {}, f"no answer: {problem.__class__.__name__}"
            else:
                reason = f"status {status}"
            if status != 0 and status != 429 and status < 500 and not again(status, answer):
                return status, answer
            asked = headers.get("Retry-After", "")
            if asked.isdigit():
                pause = max(pause, int(asked))
            if attempt == ATTEMPTS or pause > 8:
                break
            time.sleep(pause)
        raise Failure(f"{self.host}: {method} {path.partition('?')[0]}: {reason}, after {attempt} attempts")

    def refuse(self, method, path, status, why=""):
        raise Failure(f"{self.host}: {method} {path.partition('?')[0]}: status {status}{': ' if why else ''}{why}")


def printable(text, most=100):
    return "".join(c if " " <= c <= "~" else "?" for c in str(text))[:most]


def main(defaults, store):
    """Runs `store(successor, settings)` for the events that are about successors; the settings are in the hook's file with .conf behind its
    name."""
    try:
        successor = Successor(os.environ, sys.stdin)
        if successor.is_known():
            store(successor, read_settings(os.path.abspath(sys.argv[0]) + ".conf", defaults))
    except Failure as problem:
        sys.exit(str(problem))
