# SPDX-License-Identifier: Apache-2.0
# Units for systemd, with the command's place filled in.
systemdunitdir = $(prefix)/lib/systemd/system
nodist_systemdunit_DATA = systemd/sealring.service systemd/sealring-run.service
dist_systemdunit_DATA = systemd/sealring.timer
EXTRA_DIST += systemd/sealring.service.in systemd/sealring-run.service.in
CLEANFILES += $(nodist_systemdunit_DATA)
fill_in_unit = $(AM_V_GEN)$(MKDIR_P) $(@D) && sed 's|@bindir[@]|$(bindir)|g'
systemd/sealring.service: $(top_srcdir)/systemd/sealring.service.in Makefile
	$(fill_in_unit) $(top_srcdir)/systemd/sealring.service.in >$@.new && mv $@.new $@
systemd/sealring-run.service: $(top_srcdir)/systemd/sealring-run.service.in Makefile
	$(fill_in_unit) $(top_srcdir)/systemd/sealring-run.service.in >$@.new && mv $@.new $@
