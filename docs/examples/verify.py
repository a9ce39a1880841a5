#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Example: libsealring from Python, by ctypes and nothing else.

    verify.py VAULT SCOPE < credential

Prints the verdict and whose credential it is; exits with 0 if it is accepted, 1 if not.
"""

import ctypes
import os
import sys

# Plain structures of <sealring/verify.h>, member by member.

KEY_ID_LENGTH = 16
NAME_LENGTH_MAX = 64
SCOPES_LENGTH_MAX = 1023
MESSAGE_SIZE = 512


class Error(ctypes.Structure):
    _fields_ = [
        ("status", ctypes.c_int),
        ("token_code", ctypes.c_ulong),
        ("registry_code", ctypes.c_int),
        ("system_errno", ctypes.c_int),
        ("message", ctypes.c_char * MESSAGE_SIZE),
    ]


class Grant(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("key_id", ctypes.c_char * (KEY_ID_LENGTH + 1)),
        ("ring", ctypes.c_char * (NAME_LENGTH_MAX + 1)),
        ("client", ctypes.c_char * (NAME_LENGTH_MAX + 1)),
        ("scopes", ctypes.c_char * (SCOPES_LENGTH_MAX + 1)),
        ("version", ctypes.c_uint32),
        ("serial", ctypes.c_uint32),
        ("version_state", ctypes.c_int),
        ("not_before", ctypes.c_int64),
        ("expires", ctypes.c_int64),
        ("sunset", ctypes.c_int64),
        ("reason", ctypes.c_char * 256),
    ]


ENVIRONMENT_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p)


class SealringError(Exception):
    """A call that failed; its text is one line for the log."""


class Sealring:
    """An open vault. verify() may be called from any number of threads; a forked worker opens its own."""

    def __init__(self, vault):
        self._library = library = ctypes.CDLL("libsealring.so.1")
        library.sealring_environment.argtypes = [
            ctypes.c_char_p,
            ENVIRONMENT_CALLBACK,
            ctypes.c_void_p,
            ctypes.POINTER(Error),
        ]
        library.sealring_open.argtypes = [
            ctypes.c_char_p,
            ctypes.c_void_p,
            ctypes.POINTER(ctypes.c_void_p),
            ctypes.POINTER(Error),
        ]
        library.sealring_verify.argtypes = [
            ctypes.c_void_p,
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.c_char_p,
            ctypes.POINTER(Grant),
        ]
        library.sealring_close.argtypes = [ctypes.POINTER(ctypes.c_void_p)]
        library.sealring_close.restype = None
        library.sealring_verdict_name.restype = ctypes.c_char_p
        library.sealring_version_state_name.restype = ctypes.c_char_p

        error = Error()
        path = os.fsencode(vault)
        # The library never changes the environment: the program does, before its first thread starts.
        # os.environ changes the environment of the C library, too.
        wanted = {}

        def remember(name, value, _context):
            wanted[name] = value
            return 0

        if library.sealring_environment(path, ENVIRONMENT_CALLBACK(remember), None, ctypes.byref(error)) != 0:
            raise SealringError(error.message.decode())
        os.environb.update(wanted)
        self._vault = ctypes.c_void_p()
        if library.sealring_open(path, None, ctypes.byref(self._vault), ctypes.byref(error)) != 0:
            raise SealringError(error.message.decode())

    def verify(self, credential, scope=None):
        """Judges the bytes: the verdict's number, and a Grant that is ours to keep."""
        grant = Grant(size=ctypes.sizeof(Grant))
        verdict = self._library.sealring_verify(
            self._vault, bytes(credential), len(credential), scope.encode() if scope else None, ctypes.byref(grant)
        )
        return verdict, grant

    def accepted(self, verdict):
        return self._library.sealring_verdict_accepted(verdict) == 1

    def http_status(self, verdict):
        return self._library.sealring_verdict_http_status(verdict)

    # The names are the library's, static: they are copied here and never freed.

    def verdict_name(self, verdict):
        return self._library.sealring_verdict_name(verdict).decode()

    def state_name(self, state):
        return self._library.sealring_version_state_name(state).decode()

    def close(self):
        self._library.sealring_close(ctypes.byref(self._vault))  # sets it to None


def main():
    if len(sys.argv) != 3:
        print(f"usage: {sys.argv[0]} VAULT SCOPE < credential", file=sys.stderr)
        return 2
    try:
        vault = Sealring(sys.argv[1])
    except (OSError, SealringError) as problem:
        print(f"{sys.argv[0]}: {problem}", file=sys.stderr)
        return 3
    verdict, grant = vault.verify(sys.stdin.buffer.read().removesuffix(b"\n"), sys.argv[2])
    print(
        f"{vault.verdict_name(verdict)} {vault.http_status(verdict)} client={grant.client.decode()}"
        f" key={grant.key_id.decode()} ring={grant.ring.decode()} scopes={grant.scopes.decode()}"
        f" version={grant.version} {vault.state_name(grant.version_state)} serial={grant.serial}"
        f" from={grant.not_before} to={grant.expires} sunset={grant.sunset}: {grant.reason.decode()}"
    )
    vault.close()
    return 0 if vault.accepted(verdict) else 1


if __name__ == "__main__":
    sys.exit(main())
