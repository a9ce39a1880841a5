# SPDX-License-Identifier: Apache-2.0
# Documentation and examples that are part of the distribution.
EXTRA_DIST += docs/examples/server.c CHANGELOG.md
EXTRA_DIST += tools/packages.sh tools/build.sh tools/quickstart.sh
