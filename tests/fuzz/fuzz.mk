# SPDX-License-Identifier: Apache-2.0
# Fuzzers. Their corpora are replayed by any compiler in `make check`; with --enable-fuzzing libFuzzer runs the same code:
#     CC=clang ./configure --enable-fuzzing --enable-sanitizers && make fuzz_text && mkdir found &&
#     ./fuzz_text -max_len=1200 -max_total_time=60 found tests/fuzz/corpus/text
replays = replay_text replay_note replay_csv replay_config replay_rows replay_report replay_proof replay_image replay_object replay_target replay_answer replay_message replay_mail replay_alert
check_PROGRAMS += $(replays)
TESTS += $(replays)
if FUZZING
noinst_PROGRAMS += fuzz_text fuzz_note fuzz_csv fuzz_config fuzz_rows fuzz_report fuzz_proof fuzz_image fuzz_object fuzz_target fuzz_answer fuzz_message fuzz_mail fuzz_alert
endif
replay_text_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_text.c tests/fuzz/fuzzer.h
replay_text_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests $(CRYPTO_CFLAGS) $(DEFLATE_CFLAGS) \
	-DFUZZ_CORPUS='"$(abs_top_srcdir)/tests/fuzz/corpus/text"'
replay_text_LDADD = $(sealring_objects)
if FUZZING
fuzz_text_SOURCES = tests/fuzz/fuzz_text.c tests/fuzz/fuzzer.h
fuzz_text_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests $(CRYPTO_CFLAGS) $(DEFLATE_CFLAGS)
fuzz_text_LDFLAGS = -fsanitize=fuzzer
fuzz_text_LDADD = $(sealring_objects)
endif
replay_note_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_note.c tests/fuzz/fuzzer.h
replay_note_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests \
	-DFUZZ_CORPUS='"$(abs_top_srcdir)/tests/fuzz/corpus/note"'
replay_note_LDADD = $(sealring_objects)
if FUZZING
fuzz_note_SOURCES = tests/fuzz/fuzz_note.c tests/fuzz/fuzzer.h
fuzz_note_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
fuzz_note_LDFLAGS = -fsanitize=fuzzer
fuzz_note_LDADD = $(sealring_objects)
endif
replay_csv_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_csv.c tests/fuzz/fuzzer.h tests/fuzz/property.h \
	tools/sealring/delivery/clients_csv.c tools/sealring/delivery/clients_csv.h tools/sealring/terminal/memory.c tools/sealring/terminal/memory.h tools/sealring/terminal/pasted.c tools/sealring/terminal/pasted.h
replay_csv_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -I$(top_srcdir) \
	-DFUZZ_CORPUS='"$(abs_top_srcdir)/tests/fuzz/corpus/csv"'
replay_csv_LDADD = $(sealring_objects) $(CSV_LIBS)
if FUZZING
fuzz_csv_SOURCES = tests/fuzz/fuzz_csv.c tests/fuzz/fuzzer.h tests/fuzz/property.h \
	tools/sealring/delivery/clients_csv.c tools/sealring/delivery/clients_csv.h tools/sealring/terminal/memory.c tools/sealring/terminal/memory.h tools/sealring/terminal/pasted.c tools/sealring/terminal/pasted.h
fuzz_csv_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -I$(top_srcdir)
fuzz_csv_LDFLAGS = -fsanitize=fuzzer
fuzz_csv_LDADD = $(sealring_objects) $(CSV_LIBS)
endif
replay_config_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_config.c tests/fuzz/fuzzer.h tests/fuzz/property.h
replay_config_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests $(P11KIT_CFLAGS) \
	-DFUZZ_CORPUS='"$(abs_top_srcdir)/tests/fuzz/corpus/config"'
replay_config_LDADD = $(sealring_objects)
if FUZZING
fuzz_config_SOURCES = tests/fuzz/fuzz_config.c tests/fuzz/fuzzer.h tests/fuzz/property.h
fuzz_config_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests $(P11KIT_CFLAGS)
fuzz_config_LDFLAGS = -fsanitize=fuzzer
fuzz_config_LDADD = $(sealring_objects)
endif
replay_rows_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_rows.c tests/fuzz/fuzzer.h tests/fuzz/property.h \
	tests/registry/fixture.c tests/registry/fixture.h
replay_rows_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests $(SQLITE_CFLAGS) \
	-DFUZZ_CORPUS='"$(abs_top_srcdir)/tests/fuzz/corpus/rows"'
replay_rows_LDADD = $(sealring_objects)
if FUZZING
fuzz_rows_SOURCES = tests/fuzz/fuzz_rows.c tests/fuzz/fuzzer.h tests/fuzz/property.h \
	tests/registry/fixture.c tests/registry/fixture.h
fuzz_rows_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests $(SQLITE_CFLAGS)
fuzz_rows_LDFLAGS = -fsanitize=fuzzer
fuzz_rows_LDADD = $(sealring_objects)
endif
replay_report_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_report.c tests/fuzz/fuzzer.h tests/fuzz/property.h \
	tests/registry/fixture.c tests/registry/fixture.h
replay_report_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests $(SQLITE_CFLAGS) $(P11KIT_CFLAGS) $(JANSSON_CFLAGS) \
	-DFUZZ_CORPUS='"$(abs_top_srcdir)/tests/fuzz/corpus/report"'
replay_report_LDADD = $(sealring_objects) $(SQLITE_LIBS)
if FUZZING
fuzz_report_SOURCES = tests/fuzz/fuzz_report.c tests/fuzz/fuzzer.h tests/fuzz/property.h \
	tests/registry/fixture.c tests/registry/fixture.h
fuzz_report_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests $(SQLITE_CFLAGS) $(P11KIT_CFLAGS) $(JANSSON_CFLAGS)
fuzz_report_LDFLAGS = -fsanitize=fuzzer
fuzz_report_LDADD = $(sealring_objects) $(SQLITE_LIBS)
endif
replay_proof_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_proof.c tests/audit/inclusion.h tests/fuzz/fuzzer.h tests/fuzz/property.h
replay_proof_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests \
	-DFUZZ_CORPUS='"$(abs_top_srcdir)/tests/fuzz/corpus/proof"'
replay_proof_LDADD = $(sealring_objects)
if FUZZING
fuzz_proof_SOURCES = tests/fuzz/fuzz_proof.c tests/audit/inclusion.h tests/fuzz/fuzzer.h tests/fuzz/property.h
fuzz_proof_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
fuzz_proof_LDFLAGS = -fsanitize=fuzzer
fuzz_proof_LDADD = $(sealring_objects)
endif
replay_image_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_image.c tests/fuzz/fuzzer.h tests/fuzz/property.h
replay_image_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests $(JANSSON_CFLAGS) \
	-DFUZZ_CORPUS='"$(abs_top_srcdir)/tests/fuzz/corpus/image"'
replay_image_LDADD = $(sealring_objects)
if FUZZING
fuzz_image_SOURCES = tests/fuzz/fuzz_image.c tests/fuzz/fuzzer.h tests/fuzz/property.h
fuzz_image_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests $(JANSSON_CFLAGS)
fuzz_image_LDFLAGS = -fsanitize=fuzzer
fuzz_image_LDADD = $(sealring_objects)
endif
replay_object_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_object.c tests/fuzz/fuzzer.h tests/fuzz/property.h
replay_object_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -DFUZZ_CORPUS='"$(abs_top_srcdir)/tests/fuzz/corpus/object"'
replay_object_LDADD = $(sealring_objects)
if FUZZING
fuzz_object_SOURCES = tests/fuzz/fuzz_object.c tests/fuzz/fuzzer.h tests/fuzz/property.h
fuzz_object_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
fuzz_object_LDFLAGS = -fsanitize=fuzzer
fuzz_object_LDADD = $(sealring_objects)
endif
replay_target_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_target.c tests/fuzz/fuzzer.h tests/fuzz/property.h $(sealringd_pure)
replay_target_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -I$(top_srcdir) -DFUZZ_CORPUS='"$(abs_top_srcdir)/tests/fuzz/corpus/target"'
replay_target_LDADD = $(sealring_objects)
if FUZZING
fuzz_target_SOURCES = tests/fuzz/fuzz_target.c tests/fuzz/fuzzer.h tests/fuzz/property.h $(sealringd_pure)
fuzz_target_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -I$(top_srcdir)
fuzz_target_LDFLAGS = -fsanitize=fuzzer
fuzz_target_LDADD = $(sealring_objects)
endif
replay_message_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_message.c tests/fuzz/fuzzer.h tests/fuzz/property.h $(broker_pure)
replay_message_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -I$(top_srcdir) -DFUZZ_CORPUS='"$(abs_top_srcdir)/tests/fuzz/corpus/message"'
replay_message_LDADD = $(sealring_objects)
if FUZZING
fuzz_message_SOURCES = tests/fuzz/fuzz_message.c tests/fuzz/fuzzer.h tests/fuzz/property.h $(broker_pure)
fuzz_message_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -I$(top_srcdir)
fuzz_message_LDFLAGS = -fsanitize=fuzzer
fuzz_message_LDADD = $(sealring_objects)
endif
replay_answer_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_answer.c tests/fuzz/fuzzer.h tests/fuzz/property.h
replay_answer_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -I$(top_srcdir) -DFUZZ_CORPUS='"$(abs_top_srcdir)/tests/fuzz/corpus/answer"'
replay_answer_LDADD = libsealring-client-core.la
if FUZZING
fuzz_answer_SOURCES = tests/fuzz/fuzz_answer.c tests/fuzz/fuzzer.h tests/fuzz/property.h
fuzz_answer_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -I$(top_srcdir)
fuzz_answer_LDFLAGS = -fsanitize=fuzzer
fuzz_answer_LDADD = libsealring-client-core.la
endif
replay_mail_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_mail.c tests/fuzz/fuzzer.h tests/fuzz/property.h
replay_mail_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -DFUZZ_CORPUS='"$(abs_top_srcdir)/tests/fuzz/corpus/mail"'
replay_mail_LDADD = $(sealring_objects)
if FUZZING
fuzz_mail_SOURCES = tests/fuzz/fuzz_mail.c tests/fuzz/fuzzer.h tests/fuzz/property.h
fuzz_mail_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
fuzz_mail_LDFLAGS = -fsanitize=fuzzer
fuzz_mail_LDADD = $(sealring_objects)
endif
alert_pure = gateway/daemon/alerts.c gateway/daemon/alerts.h gateway/daemon/alert_keys.c gateway/daemon/alert_keys.h
replay_alert_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_alert.c tests/fuzz/fuzzer.h tests/fuzz/property.h $(alert_pure)
replay_alert_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -I$(top_srcdir) $(JANSSON_CFLAGS) $(CRYPTO_CFLAGS) -DFUZZ_CORPUS='"$(abs_top_srcdir)/tests/fuzz/corpus/alert"'
replay_alert_LDADD = $(sealring_objects) $(JANSSON_LIBS) $(CRYPTO_LIBS)
if FUZZING
fuzz_alert_SOURCES = tests/fuzz/fuzz_alert.c tests/fuzz/fuzzer.h tests/fuzz/property.h $(alert_pure)
fuzz_alert_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -I$(top_srcdir) $(JANSSON_CFLAGS) $(CRYPTO_CFLAGS)
fuzz_alert_LDFLAGS = -fsanitize=fuzzer
fuzz_alert_LDADD = $(sealring_objects) $(JANSSON_LIBS) $(CRYPTO_LIBS)
endif
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/run.sh
