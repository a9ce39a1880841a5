# SPDX-License-Identifier: Apache-2.0
# What somebody with SQL and without a token tries, and what becomes of it.
TESTS += tests/tamper/between.sh tests/tamper/claim.sh tests/tamper/ends.sh tests/tamper/laundered.sh tests/tamper/tail.sh tests/tamper/trust.sh tests/tamper/unsigned.sh
EXTRA_DIST += tests/tamper/between.sh tests/tamper/claim.sh tests/tamper/ends.sh tests/tamper/laundered.sh tests/tamper/tail.sh tests/tamper/tamper.sh tests/tamper/unsigned.sh tests/tamper/labels.sh tests/tamper/attempts.txt tests/tamper/await_look.pl tests/tamper/forge.pl tests/tamper/trust.sh tests/tamper/waiting.sh tests/tamper/world.sh
