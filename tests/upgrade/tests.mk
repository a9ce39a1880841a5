# SPDX-License-Identifier: Apache-2.0
# A vault of an older sealring, and what becomes of it.
TESTS += tests/upgrade/upgrade.sh
EXTRA_DIST += tests/upgrade/upgrade.sh tests/upgrade/make-old-vault.sh tests/upgrade/old-vault.tar.xz tests/upgrade/README.md
