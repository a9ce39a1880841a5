#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sealring ring show --scanner-rule: each scanner's format is one that its parser reads; the pattern finds every credential and no near miss, and
# nothing in public text.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || bail_out "python3 is missing"

must init
must ring create payments --prefix acme_live --overlap 1d
must ring create plain
must client add buyer
for version in 1 2; do
    for key in a b c d e; do
        must issue payments --client buyer --label "$key$version"
        cat "$work/out" >>"$work/credentials"
    done
    [ $version = 2 ] || must rotate payments --no-wait
done
must issue plain --client buyer
cp "$work/out" "$work/other"

for scanner in gitleaks trufflehog github; do
    must ring show payments --scanner-rule $scanner
    cp "$work/out" "$work/rule.$scanner"
done
# The vectors of other programs: the extremes of secret, version and check digits.
cat >"$work/check.py" <<'PYTHON'
import os, re, sys, time, tomllib, math, collections, zlib, random
work = sys.argv[1]
read = lambda name: open(os.path.join(work, name)).read()
digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
def base62(number, width):
    text = ""
    for _ in range(width):
        number, digit = divmod(number, 62)
        text = digits[digit] + text
    return text
def credential(key_id, version, secret, prefix="acme_live"):
    text = "%s_%s_%d_%s" % (prefix, key_id, version, base62(secret, 43))
    return text + base62(zlib.crc32(text.encode()), 6)
toml = tomllib.loads(read("rule.gitleaks"))["rules"]
assert len(toml) == 1 and set(toml[0]) == {"id", "description", "regex", "secretGroup", "entropy", "keywords"}, toml
gitleaks = toml[0]
try:
    import yaml
    detector = yaml.safe_load(read("rule.trufflehog"))["detectors"][0]
    assert set(detector) == {"name", "keywords", "regex", "entropy"}, detector
    trufflehog = detector["regex"]["credential"]
    assert detector["keywords"] == ["acme_live_"]
except ImportError:
    trufflehog = re.search("credential: '(.*)'", read("rule.trufflehog")).group(1)
fields = dict(re.split(r":\s+", line, maxsplit=1) for line in read("rule.github").splitlines())
assert list(fields) == ["Pattern name", "Secret format", "Before secret", "After secret"], fields
around = lambda text: text.replace(r"\z", r"\Z") # as Python spells it
github = "(?:%s)(%s)(?:%s)" % (around(fields["Before secret"]), fields["Secret format"], around(fields["After secret"]))
patterns = {"gitleaks": gitleaks["regex"], "trufflehog": trufflehog, "github": github}
for pattern in patterns.values(): # of RE2 and Hyperscan: no lookaround, no backreference
    assert "(?=" not in pattern and "(?!" not in pattern and "(?<" not in pattern and not re.search(r"\\[1-9]", pattern)
def entropy(text):
    return -sum(n / len(text) * math.log2(n / len(text)) for n in collections.Counter(text).values())
issued = read("credentials").split()
assert len(issued) == 10
made = [credential("0" * 16, 1, 0), credential("z" * 16, 4294967295, 2**256 - 1)]
for _ in range(2000):
    made.append(credential("".join(random.choices(digits, k=16)), random.randrange(1, 2**32), random.getrandbits(256)))
good = made[5]
for name, pattern in patterns.items():
    for text in issued + made:
        for context in ("%s", "key: %s", '"%s",', "export KEY=%s\nnext", "https://x/?k=%s&y", "(%s)"):
            assert re.findall(pattern, context % text) == [text], (name, text, context)
    cut = good.rsplit("_", 1)
    misses = [good[:-1], good + "0", good[1:], "x" + good, good.replace("_live", "-live"), good.replace("acme", "acme_"), good.upper(),
              cut[0] + "_z" + cut[1][1:], cut[0] + "_" + cut[1][:43] + "5" + cut[1][44:], good.replace("_%s_" % good.split("_")[3], "_0_"),
              good.replace("_%s_" % good.split("_")[3], "_42949672950_"), good[:30] + "\n" + good[30:], read("other").strip()]
    for miss in misses:
        assert not re.findall(pattern, miss), (name, miss)
assert all(entropy(text) > gitleaks["entropy"] for text in issued + made[2:])
assert all(keyword in good.lower() for keyword in gitleaks["keywords"])
# False positives, with any prefix that a ring may have: at most 20 s of public text.
any_prefix = re.compile(gitleaks["regex"].replace("acme_live", "[a-z0-9]+(?:_[a-z0-9]+)*").encode())
shape = re.compile(rb"_[0-9A-Za-z]{16}_[1-9]") # the pattern's own beginning may be long: this is what is searched for first
size = files = found = 0
end = time.monotonic() + 20
for top in ("/usr/share/doc", "/usr/include", "/usr/lib/python3", "/usr/share/perl5", "/usr/share/common-licenses"):
    for folder, _, names in os.walk(top):
        for name in names:
            path = os.path.join(folder, name)
            if time.monotonic() > end or size > 150e6 or not os.path.isfile(path) or os.path.getsize(path) > 4e6:
                continue
            data = open(path, "rb").read()
            size += len(data)
            files += 1
            found += len(any_prefix.findall(data)) if shape.search(data) else 0
print("%d false positives in %d files, %d MB" % (found, files, size // 1000000))
sys.exit(found != 0 or files == 0)
PYTHON
python3 "$work/check.py" "$work" >"$work/out" 2>"$work/err"
status=$?
succeeds "each scanner's parser reads its rule, which finds every credential, no near miss, and nothing in public text"
sed 's/^/# /' "$work/out"

must ring show payments --scanner-rule github --json
json_is .scanner_rule.scanner github "as JSON"
json_is .scanner_rule.prefix acme_live "with the prefix"
run ring show payments --scanner-rule grep
status_is 2 "an unknown scanner"
err_like 'gitleaks, trufflehog or github' "is answered with the known ones"
run ring show nothing --scanner-rule github
status_is 1 "a ring that does not exist"
done_testing
