#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A mail server for tests (aiosmtpd), with the faults that a real one does not have on demand.

    mail_server.py DIRECTORY CERTIFICATE|plain [USER PASSWORD]

With a certificate it offers STARTTLS and takes no mail without it; with a user it takes none without AUTH. The recipient's local part sets
what happens to a message: 550, 450, later550 (after the text), close, hang; any other is taken. Writes DIRECTORY/address once it listens, each
message to DIRECTORY/NUMBER.eml, and DIRECTORY/sessions, a line for each: number, TLS or plain, sender, recipient.
"""

import asyncio
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

directory, certificate = sys.argv[1:3]
credentials = [word.encode() for word in sys.argv[3:5]]


class Handler:
    taken = 0

    async def handle_MAIL(self, server, session, envelope, address, options):
        if address.startswith("denied"):
            return "550 5.7.1 this sender is not known"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        fault = address.split("@")[0]
        if fault == "close":
            server.transport.abort()
            return "421 closing"
        if fault == "hang":
            await asyncio.sleep(60)
        if fault in ("450", "550"):
            return f"{fault} 5.1.1 \x1b[31mno such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        fault = envelope.rcpt_tos[0].split("@")[0]
        if fault.startswith("later"):
            return f"{fault[5:]} 5.6.0 not this text"
        if fault == "lost":  # taken, and the answer does not arrive
            self.keep(session, envelope)
            server.transport.abort()
        else:
            self.keep(session, envelope)
        return "250 OK"

    def keep(self, session, envelope):
        Handler.taken += 1
        with open(os.path.join(directory, f"{Handler.taken}.eml"), "wb") as file:
            file.write(envelope.content)
        with open(os.path.join(directory, "sessions"), "a", encoding="ascii") as file:
            file.write(f"{Handler.taken} {'TLS' if session.ssl else 'plain'} {envelope.mail_from} {envelope.rcpt_tos[0]} {session.peer[1]}\n")


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=[data.login, data.password] == credentials, handled=False)


async def main():
    options = {"hostname": "localhost", "enable_SMTPUTF8": False}
    if certificate != "plain":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(directory, certificate + ".pem"), os.path.join(directory, certificate + ".key"))
        options.update(tls_context=context, require_starttls=True)
    if credentials:
        options.update(authenticator=authenticate, auth_required=True, auth_require_tls=certificate != "plain")
    loop = asyncio.get_running_loop()
    handler = Handler()
    server = await loop.create_server(lambda: SMTP(handler, **options), "127.0.0.1", 0)
    with open(os.path.join(directory, "address.new"), "w", encoding="ascii") as file:
        file.write(f"localhost:{server.sockets[0].getsockname()[1]}\n")
    os.rename(os.path.join(directory, "address.new"), os.path.join(directory, "address"))
    await server.serve_forever()


asyncio.run(main())
