# SPDX-License-Identifier: Apache-2.0
# Fuzzers. Their corpora are replayed by any compiler in `make check`; with --enable-fuzzing libFuzzer runs the same code:
#     CC=clang ./configure --enable-fuzzing --enable-sanitizers && make fuzz_text && mkdir found &&
#     ./fuzz_text -max_len=1200 -max_total_time=60 found tests/fuzz/corpus/text
check_PROGRAMS += replay_text
TESTS += replay_text
replay_text_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_text.c tests/fuzz/fuzzer.h
replay_text_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests $(CRYPTO_CFLAGS) $(DEFLATE_CFLAGS) \
	-DFUZZ_CORPUS='"$(abs_top_srcdir)/tests/fuzz/corpus/text"'
replay_text_LDADD = libsealring-core.la
check_PROGRAMS += replay_note
TESTS += replay_note
replay_note_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_note.c tests/fuzz/fuzzer.h
replay_note_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -DFUZZ_CORPUS='"$(abs_top_srcdir)/tests/fuzz/corpus/note"'
replay_note_LDADD = libsealring-core.la
if FUZZING
noinst_PROGRAMS += fuzz_note
fuzz_note_SOURCES = tests/fuzz/fuzz_note.c tests/fuzz/fuzzer.h
fuzz_note_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
fuzz_note_LDFLAGS = -fsanitize=fuzzer
fuzz_note_LDADD = libsealring-core.la
noinst_PROGRAMS += fuzz_text
fuzz_text_SOURCES = tests/fuzz/fuzz_text.c tests/fuzz/fuzzer.h
fuzz_text_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests $(CRYPTO_CFLAGS) $(DEFLATE_CFLAGS)
fuzz_text_LDFLAGS = -fsanitize=fuzzer
fuzz_text_LDADD = libsealring-core.la
endif
EXTRA_DIST += tests/fuzz/corpus
