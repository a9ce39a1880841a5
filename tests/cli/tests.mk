# SPDX-License-Identifier: Apache-2.0
TESTS += tests/cli/layers.sh
EXTRA_DIST += tests/cli/layers.sh tests/layers.txt
TESTS += tests/cli/style.sh
EXTRA_DIST += tests/cli/style.sh
