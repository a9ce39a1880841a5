# SPDX-License-Identifier: Apache-2.0
# The channels of notices, against real receivers: an HTTPS server and an SMTP server on loopback.
notify_tests = tests/notify/webhook.sh tests/notify/mail.sh tests/notify/secret.sh tests/notify/notices.sh
EXTRA_DIST += $(notify_tests) tests/notify/lib.sh tests/notify/receiver.py tests/notify/mail_server.py tests/notify/receive.js
if HAVE_CHECK
TESTS += $(notify_tests)
check_PROGRAMS += send_messages
send_messages_SOURCES = tests/notify/send_messages.c
send_messages_CPPFLAGS = $(TEST_CPPFLAGS)
send_messages_LDADD = $(TEST_LIBS)
endif
