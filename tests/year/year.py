# SPDX-License-Identifier: Apache-2.0
"""A year of rotations: who calls, who renews, who lags, who steals; and what is true of all of them at the end. Prints TAP. See year.sh."""
import argparse
import csv
import itertools
import json
import os
import random
import re
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from parts import (CREDENTIAL, DAY, OWNER_ADDRESS, THIEF_ADDRESS, Clock, Host, Killable, Killer, Network, Trouble, Watch, ask, renew,
                   until)

YEAR = 364 * DAY
# What a temper's client does; `share`: of 24 clients; `moves`: by itself, and is never rejected.
TEMPERS = {
    "prompt": {"share": 8, "moves": True},
    "lazy": {"share": 5, "moves": True},
    "never": {"share": 2, "moves": False},
    "broken": {"share": 2, "moves": False},
    "offline": {"share": 1, "moves": True},
    "replicas": {"share": 0, "moves": True},
    "shared": {"share": 0, "moves": True},
    "fast": {"share": 0, "moves": True},
    "slow": {"share": 0, "moves": True},
    "full": {"share": 0, "moves": True},
    "one": {"share": 0, "moves": True},
}
REPLICAS = 10


class Tap:
    def __init__(self):
        self.count, self.failed = 0, 0

    def report(self, good, words, why=""):
        self.count += 1
        self.failed += not good
        print("%sok %d - %s" % ("" if good else "not ", self.count, words))
        if not good and why:
            print("# " + str(why)[:2000].replace("\n", "\n# "))
        sys.stdout.flush()

    def note(self, words):
        print("# " + words)
        sys.stdout.flush()


class Copy:
    """One file with a credential, and the process that reads it: a host, or a program that knows nothing of sealring."""

    def __init__(self, path, host=None, url=""):
        self.path, self.host, self.accepted = path, host, 0
        self.number = host.add(path, url) if host else None

    def text(self):
        with open(self.path, encoding="ascii") as file:
            return file.read().strip()

    def send(self):
        return self.host.ask("send %d" % self.number) if self.host else self.text()

    def got(self, status, sunset):
        if self.host:
            self.host.ask("got %d %d %s" % (self.number, status, sunset or ""))


class Client:
    def __init__(self, name, temper):
        self.name, self.temper, self.copies, self.key_id = name, temper, [], None

    def version(self):
        """Of the credentials that all its copies had accepted last."""
        return min(copy.accepted for copy in self.copies)


class Year:
    def __init__(self, options):
        self.options, self.tap, self.rng = options, Tap(), random.Random(options.seed)
        self.work = options.work
        self.clock = Clock(self.work, options.faketime)
        self.sealring_path = os.path.join(options.programs, "sealring")
        self.calls, self.rejected, self.fronts = {}, [], 0
        self.interval = YEAR // options.rotations
        self.overlap = self.interval // 3
        self.life = "%dd" % (self.interval * 4 // 3 // DAY)
        self.last_refusal = ""
        self.named, self.held, self.by_hand, self.asked_while_full = [], 0, 0, 0
        self.start()

    # ---- The parts ----

    def path(self, name):
        return os.path.join(self.work, name)

    def sealring(self, *arguments, fails=False):
        """Its output; of a command that has to fail, its errors."""
        done = subprocess.run([self.sealring_path, *arguments], env=self.clock.environment(), stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)
        if (done.returncode != 0) != fails:
            raise Trouble("sealring %s: exit status %d: %s%s" % (" ".join(arguments), done.returncode, done.stderr, done.stdout[:1000]))
        return done.stderr if fails else done.stdout

    def start(self):
        vault, environment = os.environ["SEALRING_VAULT"], self.clock.environment()
        programs = self.options.programs
        self.daemon = Killable("sealringd", [os.path.join(programs, "sealringd"), "--vault", vault, "--listen", "unix:" + self.path("judge"),
                                             "--renew-listen", "unix:" + self.path("renewals"), "--broker", self.path("brokered"),
                                             "--address-header", "X-Real-IP"],
                               environment, self.path("sealringd.log"), lambda: ask(self.path("judge"), "GET", "/healthz", {})[0] == 200)
        self.broker = Killable("sealring-broker", [os.path.join(programs, "sealring-broker"), "--vault", vault, "--allow-user",
                                                   str(os.getuid()), "--listen", "unix:" + self.path("brokered")],
                               environment, self.path("broker.log"))
        self.network = Network(self.path("network"), self.path("renewals"), self.rng)
        self.hosts = {name: Host("host " + name, self.path("host"), self.clock, which, self.path(name + ".log"))
                      for name, which in (("a", "right"), ("b", "right"), ("still", "right"), ("fast", "fast"), ("slow", "slow"))}
        self.processes = [self.broker, self.daemon, *self.hosts.values()]

    def repair(self):
        for process in self.processes:
            process.repair()

    def renewing(self):
        self.repair()
        return ask(self.path("judge"), "GET", "/readyz", {})[2].strip() == b'{"renewal":true}'

    # ---- The clients ----

    def issue(self):
        self.sealring("ring", "create", "payments", "--prefix", "acme_live", "--renew", "bearer", "--overlap", "%ds" % self.overlap,
                      "--renew-life", self.life, "--quiet-period", "1d")
        self.clients = []
        for temper, rules in TEMPERS.items():
            count = max(1, rules["share"] * self.options.clients // 24)
            if temper == "full" and not self.options.mounts:
                continue
            self.clients += [Client("%s-%d" % (temper, number), temper) for number in range(1, count + 1)]
        with open(self.path("clients.csv"), "w", encoding="ascii") as file:
            file.write("client,scopes,expires\n" + "".join("%s,read,%s\n" % (client.name, self.life) for client in self.clients))
        self.sealring("issue", "payments", "--from", self.path("clients.csv"), "--out", self.path("issued.csv"))
        with open(self.path("issued.csv"), encoding="ascii", newline="") as file:
            issued = {row["client"]: row for row in csv.DictReader(file)}
        os.mkdir(self.path("keys"))
        os.mkdir(self.path("disk"))
        if self.options.mounts:
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", self.path("disk")], check=True)
        for client in self.clients:
            client.key_id = issued[client.name]["key_id"]
            for copy in range(REPLICAS if client.temper == "replicas" else 1):
                path = os.path.join(self.path("disk" if client.temper == "full" else "keys"), "%s.%d.key" % (client.name, copy))
                self.deliver(path, issued[client.name]["credential"])
                client.copies += self.readers(client, path)
        self.sealring("key", "set", self.of("one")[0].key_id, "--holders", "one")

    @staticmethod
    def deliver(path, text):
        with open(os.open(path + ".in", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(text + "\n")
        os.rename(path + ".in", path)

    def readers(self, client, path):
        url = "unix:" + self.path("network")
        if client.temper in ("never", "lazy"):
            return [Copy(path)]
        if client.temper == "broken":
            return [Copy(path, self.hosts["a"], "unix:" + self.path("nowhere"))]
        hosts = {"shared": ["a", "b"], "fast": ["fast"], "slow": ["slow"], "one": ["still"]}.get(client.temper, ["a"])
        return [Copy(path, self.hosts[host], url) for host in hosts]

    def of(self, *tempers):
        return [client for client in self.clients if client.temper in tempers]

    # ---- Traffic ----

    def call(self, text):
        """By nginx and sealringd in turn."""
        self.fronts += 1
        if self.options.front and self.fronts % 2:
            status, headers, _ = ask(self.options.front, "GET", "/", {"Authorization": "Bearer " + text})
        else:
            status, headers, _ = ask(self.path("judge"), "GET", "/v1/verify/read/-", {"Authorization": "Bearer " + text})
        return status, headers.get("Sealring-Sunset")

    def traffic(self, clients):
        """Each copy calls once."""
        for client in clients:
            for copy in client.copies:
                text = copy.send()
                status, sunset = self.call(text)
                self.calls[client.temper] = self.calls.get(client.temper, 0) + (status != 0)
                if status == 200:
                    copy.accepted = int(text.split("_")[3])
                if status in (401, 403):
                    self.rejected.append((client.name, status, text.rsplit("_", 1)[0]))
                copy.got(status, sunset)

    def traffic_until(self, clients, version):
        """They call until all have moved. Accidents may have made them wait for what is minutes by a clock that nobody injects (backoff, the
        broker's limit of renewals of one key): then a minute passes, and all start again."""
        rounds = itertools.count(1)

        def moved():
            self.repair()
            self.traffic(clients)
            if next(rounds) % 20 == 0:
                self.clock.advance(60)
                for process in (self.broker, *self.hosts.values()):
                    process.kill()
                    process.process.wait()
            return all(client.version() >= version for client in clients)
        until(moved, "clients move to version %d" % version, 120)

    # ---- A rotation ----

    def rotation(self, number):
        version = number + 1
        until(self.renewing, "the broker answers")
        self.traffic(self.clients)
        stolen = {temper: self.of(temper)[0].copies[0].text() for temper in ("one", "replicas")}
        self.sealring("rotate", "payments")
        if number == 2:
            self.thief_is_first(stolen["one"], version)
        self.accidents(version)
        self.thief_is_late(stolen, version, number)
        self.clock.advance(self.overlap // 3)
        self.lazy_ones(version)
        self.traffic([client for client in self.clients if client.temper != "offline"])
        self.clock.advance(self.overlap * 2 // 3 - DAY)
        self.who_lags()
        self.clock.advance(2 * DAY)
        self.gate(version)
        self.clock.advance(self.interval - self.overlap - 4 * DAY)

    def accidents(self, version):
        """The prompt ones move while everything fails."""
        prompt = self.of("prompt", "replicas", "shared", "fast", "slow")
        if self.of("full"):
            self.fill_disk()
        victims = [self.broker, self.broker, self.daemon, *(self.hosts[name] for name in ("a", "b", "fast", "slow"))]
        killer = Killer(victims, self.rng, 0.4)
        self.network.faults = True
        killer.start()
        before = sum(process.kills for process in self.processes)
        full = {copy.text() for client in self.of("full") for copy in client.copies}

        def enough():
            self.repair()
            self.traffic(prompt + self.of("full", "one", "never", "broken"))
            self.clock.advance(60)
            return sum(process.kills for process in self.processes) >= before + self.options.kills
        until(enough, "enough was killed", 300)
        killer.stopped.set()
        killer.join()
        self.network.faults = False
        self.asked_while_full += len(full & self.network.presented)
        if self.of("full"):
            os.unlink(os.path.join(self.path("disk"), "filler"))
        self.traffic_until(prompt + self.of("full", "one"), version)

    def fill_disk(self):
        with open(os.path.join(self.path("disk"), "filler"), "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass

    def lazy_ones(self, version):
        """They renew by the command, once; sometimes it is killed, and repeated."""
        self.network.faults = True
        for client in self.of("lazy"):
            arguments = [os.path.join(self.options.programs, "sealring-client"), "renew", client.copies[0].path, "--url",
                         "unix:" + self.path("network")]

            def renewed(command=arguments):
                self.repair()
                with open(self.path("lazy.log"), "ab") as log:
                    process = subprocess.Popen(command, env=self.clock.environment(), stdout=log, stderr=log)
                    if self.rng.random() < 0.5:
                        time.sleep(self.rng.uniform(0, 0.05))
                        process.kill()
                    if process.wait() == 3:
                        self.clock.advance(60)
                return process.returncode == 0
            until(renewed, client.name + " renews")
        self.network.faults = False
        self.traffic_until(self.of("lazy"), version)

    def lagging(self):
        return {line["client"] for line in json.loads(self.sealring("usage", "payments", "--lagging", "--json"))["lagging"]}

    def who_lags(self):
        """A day before the overlap ends, by `usage --lagging`. Reports of use may be a second old."""
        self.traffic([client for client in self.clients if client.temper != "offline"])
        wanted = {client.name for client in self.of("never", "broken", "offline")}
        try:
            until(lambda: self.lagging() == wanted, "usage names who lags", 20)
        except Trouble:
            pass
        self.named.append((self.lagging(), wanted))

    def gate(self, version):
        """The overlap has ended; who has not moved keeps the version open, until the operator has seen to it."""
        refusal = self.sealring("retire", "payments", str(version - 1), fails=True)
        self.held += 1
        self.last_refusal = refusal
        offline, by_hand = self.of("offline"), self.of("never", "broken")
        self.traffic_until(offline, version)
        self.traffic(by_hand)
        self.sealring("retire", "payments", str(version - 1), fails=True)
        for client in by_hand:
            self.rekey(client, "--overlap", "2d")
            self.by_hand += 1
        self.sealring("retire", "payments", str(version - 1), fails=True)  # all have successors now: what holds it is that the old ones were used
        self.held += 1
        self.traffic_until(self.clients, version)
        self.clock.advance(3 * DAY)
        self.traffic(self.clients)

        def retires():
            self.repair()
            done = subprocess.run([self.sealring_path, "retire", "payments", str(version - 1)], env=self.clock.environment(), capture_output=True,
                                  text=True, check=False)
            self.last_refusal = done.stderr
            return done.returncode == 0
        until(retires, "the version retires")

    # ---- Thieves ----

    def use_is_known(self, client, version):
        def known():
            self.repair()
            lines = json.loads(self.sealring("usage", "payments", "--key", client.key_id, "--json"))["usage"]
            return any(line["version"] == version and line["accepted"] > 0 for line in lines)
        until(known, "the use of the successor is known")

    def contested(self, client, words):
        """The alarm names key, client and both addresses; rekey ends it."""
        text = self.sealring("status", "payments", "--json") + subprocess.run(
            [self.sealring_path, "doctor"], env=self.clock.environment(), capture_output=True, text=True, check=False).stdout
        missing = [word for word in (client.key_id, client.name, OWNER_ADDRESS, THIEF_ADDRESS) if text.count(word) < 2]
        self.tap.report(not missing, words + ": status and doctor name client, key and both addresses", "missing: %s in %s" % (missing, text))
        self.rekey(client)

    def rekey(self, client, *options):
        out = self.path("by-hand")
        self.sealring("key", "rekey", client.key_id, "--expires", self.life, "--out", out, *options)
        copy = client.copies[0]
        os.rename(out, copy.path)
        until(lambda: copy.send() == copy.text(), client.name + " uses what the operator gave it")

    def thief_is_late(self, stolen, version, number):
        if number != 1:
            return
        client, copied = self.of("one")[0], self.of("replicas")[0]
        until(self.renewing, "the broker answers")
        status, _, body = renew(self.path("renewals"), stolen["replicas"], THIEF_ADDRESS)
        same = status == 200 and json.loads(body)["credential"] == copied.copies[0].text()
        entries = self.sealring("audit", "show", "--json")
        self.tap.report(same and THIEF_ADDRESS in entries and OWNER_ADDRESS in entries,
                        "many holders: who has a stolen predecessor gets the successor that the owner has; the log has both addresses",
                        "%d %s" % (status, body))
        self.use_is_known(client, version)
        status, _, body = renew(self.path("renewals"), stolen["one"], THIEF_ADDRESS)
        self.tap.report(status == 409 and b"contested" in body, "one holder: the thief comes after the owner, and gets 409", "%d %s" % (status, body))
        self.contested(client, "the owner came first")
        self.traffic_until([client], version)

    def thief_is_first(self, predecessor, version):
        client = self.of("one")[0]
        until(self.renewing, "the broker answers")
        status, _, body = renew(self.path("renewals"), predecessor, THIEF_ADDRESS)
        if status != 200:
            raise Trouble("the thief is not served: %d %s" % (status, body))
        loot = json.loads(body)["credential"]
        until(lambda: self.call(loot)[0] == 200, "the thief's successor is accepted")
        self.use_is_known(client, version)
        before = len(self.rejected)

        def refused():
            self.traffic([client])
            with open(self.hosts["still"].log, encoding="utf-8") as log:
                return "contested" in log.read()
        until(refused, "the owner's renewal is refused")
        self.tap.report(len(self.rejected) == before and client.version() < version,
                        "one holder: the thief comes first: the owner gets 409, and goes on with the predecessor", self.rejected[before:])
        self.contested(client, "the thief came first")
        self.traffic_until([client], version)
        status, _ = self.call(loot)
        self.tap.report(status == 401, "rekey ends it: the thief's successor is rejected", status)

    # ---- The end ----

    def live_twins(self):
        """Predecessors with two successors under versions that are accepted."""
        database = sqlite3.connect("file:%s/registry/sealring.db?mode=ro" % os.environ["SEALRING_VAULT"], uri=True)
        with database:
            return database.execute(
                "SELECT api_key, predecessor, count(*), group_concat(serial) FROM credential WHERE predecessor > 0 "
                "GROUP BY api_key, predecessor HAVING count(*) > 1").fetchall()

    def is_healthy(self, findings):
        """A verifier polls once a second, and has to see the last step of the clock."""
        self.repair()
        done = subprocess.run([self.sealring_path, "doctor"], env=self.clock.environment(), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            findings.append(done.stdout)
        return done.returncode == 0

    def judge(self, watch):
        report, moving = self.tap.report, {temper for temper, rules in TEMPERS.items() if rules["moves"]}
        unjust = [one for one in self.rejected if one[0].rsplit("-", 1)[0] in moving]
        calls = {temper: count for temper, count in self.calls.items() if temper in moving}
        report(not unjust, "no client that renews was rejected, in %d calls: %s" % (
            sum(calls.values()), ", ".join("%s %d" % each for each in calls.items())), unjust[:20])
        wrong = [(sorted(named - wanted), sorted(wanted - named)) for named, wanted in self.named if named != wanted]
        report(not wrong and len(self.named) == self.options.rotations, "%d times those that lag were named a day before the overlap ended, and nobody else (%d clients)"
               % (len(self.named), len(self.of("never", "broken", "offline"))), "too many, too few: %s" % wrong)
        report(self.held == 2 * self.options.rotations, "%d times they held the version open after that, because they had no successor, or by their calls; %d were given new credentials by hand"
               % (self.held, self.by_hand), self.last_refusal)
        kills = ", ".join("%s %d" % (process.name, process.kills) for process in self.processes if process.kills)
        lost = [copy.path for client in self.clients for copy in client.copies if self.call(copy.text())[0] != 200]
        report(not lost, "no credential was lost: %d files after kills (%s), %d requests cut off, %d responses lost after the commit"
               % (sum(len(client.copies) for client in self.clients), kills, self.network.cut, self.network.lost), lost)
        report(self.network.lost > 0 and self.network.cut > 0 and self.broker.kills > 0 and self.daemon.kills > 0 and self.hosts["a"].kills > 0,
               "each kind of accident happened")
        if self.options.mounts:
            report(self.asked_while_full == 0, "nothing was renewed for a file whose disk was full")
        else:
            report(True, "a full disk # SKIP only root can mount one")
        report(not watch.bad, "no file was readable by others or incomplete, in %d looks" % watch.examined, sorted(watch.bad)[:20])
        twins = self.live_twins()
        double = {credential for credential, successors in self.network.successors.items() if len(successors) > 1}
        report(not twins and not double, "none of %d credentials was renewed into two successors" % len(self.network.successors),
               "rows %s; answers %d" % (twins, len(double)))
        self.sealring("audit", "verify")
        findings = []
        try:
            until(lambda: not findings.clear() and self.is_healthy(findings), "the doctor finds nothing", 20)
        except Trouble:
            pass
        report(not findings, "the doctor finds nothing, the audit log is whole", findings)
        logs = "".join(open(self.path(name), encoding="utf-8", errors="replace").read() for name in os.listdir(self.work) if name.endswith(".log"))
        report(not re.search(r"acme_live_[0-9A-Za-z]{16}_[0-9]+_[0-9A-Za-z]{20}", logs), "no credential is in a message")

    def run(self):
        self.issue()
        self.repair()
        watch = Watch([self.path("keys"), self.path("disk")])
        watch.start()
        try:
            self.rotations()
        except Trouble as trouble:
            self.tap.report(False, "the year goes on", trouble)
            for process in self.processes:
                with open(process.log, encoding="utf-8", errors="replace") as log:
                    self.tap.note("%s: %s" % (process.name, "\n# ".join(log.read().splitlines()[-8:])))
        watch.stopped.set()
        watch.join()
        self.judge(watch)

    def rotations(self):
        for number in range(1, self.options.rotations + 1):
            self.rotation(number)
            self.tap.note("rotation %d: day %d, %d calls" % (number, self.clock.now // DAY, sum(self.calls.values())))

    def end(self):
        for process in reversed(self.processes):
            process.stop()
        if self.options.mounts:
            subprocess.run(["umount", self.path("disk")], check=False, stderr=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser()
    for name in ("work", "programs", "faketime", "front"):
        parser.add_argument("--" + name)
    parser.add_argument("--mounts", action="store_true")
    parser.add_argument("--kills", type=int, default=7)
    for name, default in (("clients", 24), ("rotations", 4), ("seed", None)):
        parser.add_argument("--" + name, type=lambda text, default=default: int(text) if text else default, default=default)
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1, 1000000)
    print("# %d clients, %d rotations, SEED=%d" % (options.clients, options.rotations, options.seed))
    year = Year(options)
    try:
        year.run()
    except Trouble as trouble:
        year.tap.report(False, "the year goes on", trouble)
    finally:
        year.end()
    print("1..%d" % year.tap.count)
    return year.tap.failed > 0


if __name__ == "__main__":
    sys.exit(main())
