#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the configure script from configure.ac and Makefile.am.
set -eu
cd "$(dirname "$0")"
exec autoreconf --install --force
