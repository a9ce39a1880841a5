#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# The other side of sealring-broker's socket, for tests.
#
#   broker_peer.py send SOCKET [ITEM...]    sends each ITEM, then prints each answer; ends when as many answers as questions, or the end, have come
#                                           ITEM: ping, renew:FILE, renew:FILE*COUNT, hex:BYTES
#   broker_peer.py stall SOCKET FILE COUNT  sends COUNT renewals and reads nothing until the connection ends
#   broker_peer.py fake SOCKET ANSWER_FILE  a broker: answers each renewal by the first line of ANSWER_FILE when it arrives, which is removed if there are more:
#                                           RESULT [RETRY_AFTER [credential TEXT|sealed HEX]], `hang`, `close` or `garbage`
import select
import socket
import struct
import sys
import threading


def packet(kind, number, body=b""):
    return struct.pack(">HHI", 1, kind, number) + body


def renewal(number, path):
    credential = open(path, "rb").read().strip()
    return packet(1, number, b"\x04" + bytes([192, 0, 2, 7]) + bytes(12) + struct.pack(">H", len(credential)) + credential.ljust(102, b"\0"))


def connect(path):
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    peer.settimeout(60)
    peer.connect(path)
    return peer


def packets(items):
    number = 0
    for item in items:
        name, _, rest = item.partition(":")
        path, _, count = rest.partition("*")
        for _ in range(int(count or 1)):
            number += 1
            if name == "ping":
                yield packet(2, number)
            elif name == "renew":
                yield renewal(number, path)
            else:
                yield bytes.fromhex(rest)


def describe(answer):
    kind, number = struct.unpack(">HI", answer[2:8])
    if kind == 0x8002:
        return f"{number} pong"
    result, retry, expires, until, version, serial = struct.unpack(">HIqqII", answer[8:38])
    payload = answer[59:]
    return f"{number} {result} retry={retry} version={version} serial={serial} key={answer[38:54].decode().rstrip(chr(0))} {payload.decode('latin-1')}".strip()


def send(path, items):
    peer = connect(path)
    peer.setblocking(False)
    wanted = list(packets(items))
    sent = got = 0
    while got < len(wanted):
        # As many in advance as the socket takes.
        readable, writable, _ = select.select([peer], [peer] if sent < len(wanted) else [], [], 60)
        if writable:
            try:
                peer.send(wanted[sent])
                sent += 1
            except BlockingIOError:
                pass
            except (BrokenPipeError, ConnectionResetError):
                sent = len(wanted)
        if readable:
            try:
                answer = peer.recv(65536)
            except ConnectionResetError:  # what was sent before can still be read
                sent = len(wanted)
                continue
            if answer == b"":
                print("closed")
                return
            print(describe(answer), flush=True)
            got += 1
        elif not writable:
            sys.exit("nothing comes")


def stall(path, file, count):
    peer = connect(path)
    for number in range(int(count)):
        try:
            peer.send(renewal(number, file))
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            break
    print("sent", flush=True)
    while True:
        try:
            peer.send(packet(2, 0))
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            print("closed", flush=True)
            return


def fake_answer(number, line):
    words = line.split()
    payload, form = b"", 0
    if len(words) > 2:
        form = 1 if words[2] == "credential" else 2
        payload = words[3].encode() if form == 1 else bytes.fromhex(words[3])
    retry = int(words[1]) if len(words) > 1 else 0
    return packet(0x8001, number, struct.pack(">HIqqII", int(words[0]), retry, 1767225600000, 0, 3, 4) + b"0123456789abcdef" + bytes([form]) + struct.pack(">I", len(payload)) + payload)


def serve(peer, answers, log):
    while True:
        message = peer.recv(65536)
        if not message:
            break
        kind, number = struct.unpack(">HI", message[2:8])
        if kind == 2:
            peer.send(packet(0x8002, number))
            continue
        log.write(f"{message[8]} {message[9:25].hex()} {message[27:].rstrip(bytes(1)).decode()}\n")
        log.flush()
        line, *rest = open(answers).read().splitlines()
        if rest:
            open(answers, "w").write("\n".join(rest) + "\n")
        if line == "close":
            break
        if line == "garbage":
            peer.send(b"\0\1\x80\1garbage")
        elif line != "hang":
            peer.send(fake_answer(number, line))
    peer.close()


def fake(path, answers):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(path)
    listener.listen(16)
    with open(answers + ".asked", "w") as log:
        while True:
            peer, _ = listener.accept()
            threading.Thread(target=serve, args=(peer, answers, log), daemon=True).start()


if __name__ == "__main__":
    command = sys.argv[1]
    if command == "send":
        send(sys.argv[2], sys.argv[3:])
    else:
        {"stall": stall, "fake": fake}[command](*sys.argv[2:])
