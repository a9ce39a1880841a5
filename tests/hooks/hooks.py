#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The hooks of docs/hooks against servers that compare each request with the documentation and answer as it has it; TAP.

Sources of the exchanges: https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2 ("Create/Update secret": request, answer, errors);
https://kubernetes.io/docs/reference/using-api/server-side-apply/ and the API's Status; https://docs.aws.amazon.com/secretsmanager/latest/apireference/
(PutSecretValue, CreateSecret: sample requests and answers, errors) with the signature of the aws-sig-v4-test-suite;
https://docs.github.com/rest/actions/secrets ("Get a repository public key", "Create or update a repository secret")."""

import base64
import ctypes
import datetime
import hashlib
import hmac
import http.server
import importlib.machinery
import importlib.util
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import traceback

sys.dont_write_bytecode = True
TOP = os.environ.get("top_srcdir") or os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
CREDENTIAL = "acme_live_0123456789abcdef_7_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ012345"
PEM = "-----BEGIN CMS-----\nMIIB\n-----END CMS-----"
TOKEN = "token-that-must-not-be-shown"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "SEALRING_EVENT": "successor", "SEALRING_CLIENT": "shop", "SEALRING_LABEL": "web",
               "SEALRING_RING": "payments", "SEALRING_KEY_ID": "0123456789abcdef", "SEALRING_VERSION": "7"}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.requests.append((self.command, self.path, dict(self.headers.items()), body))
        self.server.watch()
        answers = self.server.answers
        status, text, headers = (answers.pop(0) + ({},))[:3] if answers else (500, "no answer is left", {})
        if status == 0:  # the connection ends
            self.close_connection = True
            return
        payload = text.encode() if isinstance(text, str) else json.dumps(text).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        if status != 204:
            self.wfile.write(payload)

    do_GET = do_POST = do_PUT = do_PATCH = answer


class Place:
    """A hooks directory with one hook, its settings, and its server."""

    def __init__(self, hook, settings, tls=None):
        self.directory = tempfile.mkdtemp(prefix="sealring-hooks.")
        for name in (hook, "sealring_hook.py"):
            shutil.copy(os.path.join(TOP, "docs/hooks", name), self.directory)
        self.hook = os.path.join(self.directory, hook)
        self.token = self.write("token", TOKEN + "\n", 0o600)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.answers, self.server.requests, self.server.watch = [], [], self.watch
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.address = f"{'https' if tls else 'http'}://127.0.0.1:{self.server.server_address[1]}"
        self.process, self.shown = None, []
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.configure(dict({"address": self.address, "pause": "0.01"}, **settings))

    def write(self, name, text, mode):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def configure(self, settings):
        self.settings = settings
        self.write(os.path.basename(self.hook) + ".conf", "# settings\n\n" + "".join(f"{k} = {v}\n" for k, v in settings.items()), 0o600)

    def watch(self):
        """What other users could see of the hook while it waits for its answer."""
        for name in ("cmdline", "environ"):
            with open(f"/proc/{self.process.pid}/{name}", "rb") as file:
                self.shown.append(file.read())
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", "rb") as file:
            self.shown.append(file.read())

    def run(self, answers, text=CREDENTIAL + "\n", **changes):
        self.server.answers[:], self.server.requests[:] = answers, []
        environment = {k: v for k, v in dict(ENVIRONMENT, **changes).items() if v is not None}
        self.process = subprocess.Popen([self.hook], cwd="/", env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.out, self.err = (part.decode() for part in self.process.communicate(text.encode(), timeout=120))
        for secret in (CREDENTIAL, TOKEN, "wJalrXUtnFEMI"):
            assert secret not in self.out + self.err, "a secret is in the output: " + self.err
            assert all(secret.encode() not in shown for shown in self.shown), "a secret is in /proc"
        assert "Traceback" not in self.err, self.err
        return self.process.returncode, self.server.requests

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        shutil.rmtree(self.directory)


def same(got, wanted):
    assert got == wanted, f"got {got!r}, wanted {wanted!r}"


def ends(place, answers, status, count, reason="", **changes):
    got, requests = place.run(answers, **changes)
    same((got, len(requests)), (status, count))
    assert reason in place.err, place.err


def headers_of(request, wanted):
    """Exactly these, besides those that HTTP itself has."""
    own = {k: v for k, v in request[2].items() if k not in ("Host", "Accept-Encoding", "Content-Length", "Connection")}
    same(own, wanted)


def common(place, good):
    """What all hooks do alike."""
    ends(place, [(503, "x"), (0, ""), good], 0, 3)
    ends(place, [(429, "x", {"Retry-After": "0"}), good], 0, 2)
    ends(place, [(429, "x", {"Retry-After": "3600"}), good], 1, 1, "status 429, after 1 attempts")
    ends(place, [(503, CREDENTIAL)] * 3, 1, 3, "status 503, after 3 attempts")
    ends(place, [(0, "")] * 3, 1, 3, "no answer")
    ends(place, [(307, "", {"Location": place.address + "/elsewhere"}), good], 1, 1, "status 307")
    ends(place, [(403, "not JSON " + CREDENTIAL)], 1, 1, "status 403")
    ends(place, [], 0, 0, SEALRING_EVENT="credential.expiring")
    ends(place, [], 1, 0, "has no credential", text="")
    settings = place.settings
    place.configure(dict(settings, unknown="x"))
    ends(place, [good], 1, 0, "has no known key")
    place.configure(dict(settings, address="http://192.0.2.1"))
    ends(place, [good], 1, 0, "is not https://HOST")
    place.configure(dict(settings, name="{nothing}") if "vault" not in place.hook else dict(settings, path="{nothing}"))
    ends(place, [good], 1, 0, "have a template that is not valid")
    place.configure(settings)
    os.chmod(place.token, 0o640)
    ends(place, [good], 1, 0, "can be read by others than its owner")
    os.chmod(place.token, 0o600)
    os.rename(place.hook + ".conf", place.hook + ".away")
    ends(place, [good], 1, 0, "cannot be read")
    os.rename(place.hook + ".away", place.hook + ".conf")


# ---- HashiCorp Vault

VAULT_GOOD = (200, {"data": {"created_time": "2018-03-22T02:36:43.986212308Z", "custom_metadata": None, "deletion_time": "", "destroyed": False, "version": 1}})


def vault():
    place = Place("vault-kv", {})
    place.configure(dict(place.settings, **{"token-file": place.token, "mount": "kv", "path": "api keys/{client}/{label}"}))
    status, requests = place.run([VAULT_GOOD])
    same((status, place.out, place.err), (0, "", ""))
    same(requests[0][:2], ("POST", "/v1/kv/data/api%20keys/shop/web"))
    headers_of(requests[0], {"X-Vault-Token": TOKEN, "X-Vault-Request": "true", "Content-Type": "application/json"})
    same(json.loads(requests[0][3]), {"data": {"credential": CREDENTIAL, "key_id": "0123456789abcdef", "ring": "payments", "version": "7"}})
    place.configure(dict(place.settings, namespace="ns1"))
    status, requests = place.run([VAULT_GOOD], text=PEM, SEALRING_EVENT="sealed-successor")
    same((status, requests[0][2]["X-Vault-Namespace"], json.loads(requests[0][3])["data"]["credential"]), (0, "ns1", PEM))
    ends(place, [(412, {"errors": ["required index state not present"]}), (473, {}), VAULT_GOOD], 0, 3)
    ends(place, [(403, {"errors": ["1 error occurred:\n\t* permission denied\n\n"]})], 1, 1, "status 403: 1 error occurred:??* permission denied")
    ends(place, [(404, {"errors": []})], 1, 1, "/v1/kv/data/api%20keys/shop/web: status 404")
    common(place, VAULT_GOOD)
    place.close()


# ---- Kubernetes

def make_certificate(directory):
    key, certificate = (os.path.join(directory, name) for name in ("key.pem", "certificate.pem"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-subj", "/CN=server",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2", "-out", certificate], check=True, capture_output=True)
    return certificate, key


def kubernetes():
    directory = tempfile.mkdtemp(prefix="sealring-tls.")
    tls = make_certificate(directory)
    place = Place("kubernetes-secret", {"ca-file": tls[0], "namespace": "prod"}, tls)
    place.configure(dict(place.settings, **{"token-file": place.token}))
    wanted = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
              "metadata": {"name": "sealring-shop-web", "namespace": "prod", "annotations": {
                  "sealring/key-id": "0123456789abcdef", "sealring/ring": "payments", "sealring/version": "7"}},
              "data": {"credential": base64.b64encode(CREDENTIAL.encode()).decode()}}
    for answer in ((201, wanted), (200, wanted)):
        status, requests = place.run([answer])
        same((status, place.err), (0, ""))
        same(requests[0][:2], ("PATCH", "/api/v1/namespaces/prod/secrets/sealring-shop-web?fieldManager=sealring&force=true"))
        headers_of(requests[0], {"Authorization": "Bearer " + TOKEN, "Accept": "application/json", "Content-Type": "application/apply-patch+yaml"})
        same(json.loads(requests[0][3]), wanted)
    failure = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "secrets \"" + CREDENTIAL + "\" is forbidden",
               "reason": "Forbidden", "code": 403}
    ends(place, [(403, failure)], 1, 1, "status 403: Forbidden")
    ends(place, [(201, wanted)], 1, 0, "is no name of a Kubernetes object", SEALRING_CLIENT="Shop@example")
    common(place, (200, wanted))
    other = os.path.join(directory, "other")
    os.mkdir(other)
    place.configure(dict(place.settings, **{"ca-file": make_certificate(other)[0]}))
    ends(place, [(200, wanted)], 1, 0, "its certificate is not valid")
    place.close()
    shutil.rmtree(directory)


# ---- AWS Secrets Manager

AWS_KEYS = {"id": "AKIDEXAMPLE", "secret": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
AWS_NAME = {"ARN": "arn:aws:secretsmanager:us-west-2:123456789012:secret:sealring/shop/web-a1b2c3", "Name": "sealring/shop/web",
            "VersionId": "EXAMPLE2-90ab-cdef-fedc-ba987SECRET2", "VersionStages": ["AWSCURRENT"]}


def aws_vectors():
    loader = importlib.machinery.SourceFileLoader("aws_hook", os.path.join(TOP, "docs/hooks/aws-secrets-manager"))
    sys.path.insert(0, os.path.join(TOP, "docs/hooks"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("aws_hook", loader))
    loader.exec_module(module)
    now = datetime.datetime(2015, 8, 30, 12, 36, tzinfo=datetime.timezone.utc)
    for method, signature in (("GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
                              ("POST", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b")):
        headers = module.sign(AWS_KEYS, "us-east-1", "service", method, "/", {"Host": "example.amazonaws.com"}, "", now)
        same(headers["Authorization"], "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
             "SignedHeaders=host;x-amz-date, Signature=" + signature)


def check_aws_signature(request, region):
    """As the server does: from the request that arrived."""
    method, path, headers, body = request
    headers = {k.lower(): v for k, v in headers.items()}
    algorithm, _, rest = headers["authorization"].partition(" ")
    fields = dict(part.split("=", 1) for part in rest.split(", "))
    key_id, date, *scope = fields["Credential"].split("/")
    same((algorithm, key_id, scope), ("AWS4-HMAC-SHA256", AWS_KEYS["id"], [region, "secretsmanager", "aws4_request"]))
    signed = fields["SignedHeaders"].split(";")
    assert {"host", "x-amz-date", "x-amz-target", "content-type"} <= set(signed) and signed == sorted(signed), signed
    stamp = headers["x-amz-date"]
    age = datetime.datetime.now(datetime.timezone.utc) - datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    assert abs(age) < datetime.timedelta(minutes=5) and stamp[:8] == date
    canonical = method + "\n" + path + "\n\n" + "".join(h + ":" + headers[h] + "\n" for h in signed) + "\n" + ";".join(signed) + "\n"
    canonical += hashlib.sha256(body).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{date}/{'/'.join(scope)}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = b"AWS4" + AWS_KEYS["secret"].encode()
    for part in [date] + scope + [text]:
        key = hmac.new(key, part.encode(), "sha256").digest()
    same(fields["Signature"], key.hex())


def aws():
    place = Place("aws-secrets-manager", {"region": "us-west-2"})
    place.token = place.write("credentials", "[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = " + AWS_KEYS["secret"] +
                              "\n[session]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = " + AWS_KEYS["secret"] +
                              "\naws_session_token = " + TOKEN + "\n", 0o600)
    place.configure(dict(place.settings, **{"credentials-file": place.token}))
    status, requests = place.run([(200, AWS_NAME)])
    same((status, place.err), (0, ""))
    same(requests[0][:2], ("POST", "/"))
    same((requests[0][2]["X-Amz-Target"], requests[0][2]["Content-Type"]), ("secretsmanager.PutSecretValue", "application/x-amz-json-1.1"))
    check_aws_signature(requests[0], "us-west-2")
    body = json.loads(requests[0][3])
    assert 32 <= len(body["ClientRequestToken"]) <= 64
    same(body, {"SecretId": "sealring/shop/web", "SecretString": CREDENTIAL, "ClientRequestToken": body["ClientRequestToken"]})
    # a repetition has the same token, another successor another one
    same(json.loads(place.run([(200, AWS_NAME)])[1][0][3])["ClientRequestToken"], body["ClientRequestToken"])
    assert json.loads(place.run([(200, AWS_NAME)], text="other\n")[1][0][3])["ClientRequestToken"] != body["ClientRequestToken"]
    # what does not exist is created
    missing = (400, {"__type": "ResourceNotFoundException", "Message": "Secrets Manager can't find the specified secret."})
    status, requests = place.run([missing, (200, AWS_NAME)])
    same((status, [r[2]["X-Amz-Target"] for r in requests]), (0, ["secretsmanager.PutSecretValue", "secretsmanager.CreateSecret"]))
    same(json.loads(requests[1][3]), {"Name": "sealring/shop/web", "SecretString": CREDENTIAL, "ClientRequestToken": body["ClientRequestToken"]})
    check_aws_signature(requests[1], "us-west-2")
    # each attempt has a signature of its own
    status, requests = place.run([(400, {"__type": "com.amazonaws.secretsmanager#ThrottlingException"}), (500, {"__type": "InternalServiceError"}), (200, AWS_NAME)])
    same((status, len(requests)), (0, 3))
    check_aws_signature(requests[2], "us-west-2")
    place.configure(dict(place.settings, profile="session"))
    status, requests = place.run([(200, AWS_NAME)])
    same((status, requests[0][2]["X-Amz-Security-Token"]), (0, TOKEN))
    assert "x-amz-security-token" in requests[0][2]["Authorization"]
    check_aws_signature(requests[0], "us-west-2")
    ends(place, [(400, {"__type": "InvalidRequestException", "Message": CREDENTIAL})], 1, 1, "status 400: InvalidRequestException")
    place.configure(dict(place.settings, profile="nobody"))
    ends(place, [], 1, 0, "has no keys of the profile nobody")
    place.configure(dict(place.settings, profile="default"))
    common(place, (200, AWS_NAME))
    place.close()


# ---- GitHub Actions

def github():
    try:
        sodium = ctypes.CDLL("libsodium.so.23")
    except OSError:
        return "libsodium23 is missing"
    public, secret = (ctypes.create_string_buffer(32) for _ in range(2))
    sodium.sodium_init()
    same(sodium.crypto_box_keypair(public, secret), 0)
    place = Place("github-actions", {"repository": "acme/site"})
    place.configure(dict(place.settings, **{"token-file": place.token}))
    key = (200, {"key_id": "568250167242549743", "key": base64.b64encode(public.raw).decode()})
    for answer in ((201, "{}"), (204, "")):
        status, requests = place.run([key, answer], SEALRING_LABEL="web-1")
        same((status, place.err), (0, ""))
        same([r[:2] for r in requests], [("GET", "/repos/acme/site/actions/secrets/public-key"),
                                         ("PUT", "/repos/acme/site/actions/secrets/SEALRING_SHOP_WEB_1")])
        for request in requests:
            headers_of(request, {"Authorization": "Bearer " + TOKEN, "User-Agent": "sealring", "Accept": "application/vnd.github+json",
                                 "X-GitHub-Api-Version": "2022-11-28"})
        body = json.loads(requests[1][3])
        same((sorted(body), body["key_id"]), (["encrypted_value", "key_id"], "568250167242549743"))
        box = base64.b64decode(body["encrypted_value"], validate=True)
        opened = ctypes.create_string_buffer(len(CREDENTIAL))
        same(sodium.crypto_box_seal_open(opened, box, ctypes.c_ulonglong(len(box)), public, secret), 0)
        same(opened.raw.decode(), CREDENTIAL)
    ends(place, [key, (403, {"message": "API rate limit exceeded"}, {"x-ratelimit-remaining": "0"})], 1, 2, "status 403")
    ends(place, [(404, {"message": "Not Found"})], 1, 1, "/repos/acme/site/actions/secrets/public-key: status 404")
    ends(place, [key, (422, {"message": "Validation Failed"})], 1, 2, "PUT /repos/acme/site/actions/secrets/SEALRING_SHOP_WEB: status 422")
    for wrong in ({}, [], "text", {"key": "AAAA", "key_id": "1"}, {"key": "not base64!", "key_id": "1"}):
        ends(place, [(200, wrong)], 1, 1, "public key")
    settings = place.settings
    for change, reason in (({"name": "GITHUB_{client}"}, "is no name of a secret"), ({"repository": "../x/y"}, "is not OWNER/NAME")):
        place.configure(dict(settings, **change))
        ends(place, [], 1, 0, reason)
    place.configure(settings)
    ends(place, [(503, "x"), key, (429, "x"), (201, "{}")], 0, 4)
    ends(place, [key, (307, "", {"Location": "/elsewhere"})], 1, 2, "status 307")
    os.chmod(place.token, 0o644)
    ends(place, [], 1, 0, "can be read by others")
    place.close()
    return None


def main():
    tests = [("HashiCorp Vault KV, version 2", vault), ("Kubernetes Secrets", kubernetes), ("the vectors of AWS Signature Version 4", aws_vectors),
             ("AWS Secrets Manager", aws), ("GitHub Actions secrets", github)]
    failed = 0
    print(f"1..{len(tests)}")
    for number, (name, test) in enumerate(tests, 1):
        try:
            skipped = test()
            print(f"ok {number} - {name}" + (f" # SKIP {skipped}" if skipped else ""), flush=True)
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print(f"not ok {number} - {name}")
            print("".join("# " + line + "\n" for line in traceback.format_exc().splitlines()), flush=True)
    sys.exit(failed > 0)


main()
