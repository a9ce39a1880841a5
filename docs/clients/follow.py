#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Example: sends an API key from a file that sealring-client replaces: follow.py FILE URL < LINES (one request for each line)."""

import os
import sys
import urllib.error
import urllib.request


class Credential:
    """The API key in a file, read again when the file was replaced."""

    def __init__(self, path):
        self.path, self.mark, self.text = path, None, None

    def get(self):
        status = os.stat(self.path)
        mark = (status.st_ino, status.st_mtime_ns)
        if mark != self.mark:
            with open(self.path, encoding="ascii") as file:
                self.text = file.read().strip()
            self.mark = mark
        return self.text


def send(credential, url, again=True):
    text = credential.get()
    request = urllib.request.Request(url, headers={"Authorization": "Bearer " + text})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status
    except urllib.error.HTTPError as problem:
        if problem.code == 401 and again and credential.get() != text:
            return send(credential, url, again=False)  # it was replaced meanwhile
        return problem.code


key = Credential(sys.argv[1])
for line in sys.stdin:
    print(send(key, sys.argv[2]), flush=True)
