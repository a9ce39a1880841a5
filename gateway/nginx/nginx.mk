# SPDX-License-Identifier: Apache-2.0
# The nginx module: `make nginx-module`. nginx's own build makes it, against the headers of nginx-dev.
nginx_sources = gateway/nginx/config gateway/nginx/build.sh gateway/nginx/sealring_nginx.h gateway/nginx/ngx_http_sealring_module.c \
	gateway/nginx/request_headers.c gateway/nginx/judge_request.c gateway/nginx/worker.c gateway/nginx/worker_privileges.c gateway/nginx/check_configuration.c
EXTRA_DIST += $(nginx_sources)
nginx_module = gateway/nginx/ngx_http_sealring_module.so
nginx_cflags = -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers
.PHONY: nginx-module
nginx-module: $(nginx_module)
$(nginx_module): $(nginx_sources) libsealring.la
	$(AM_V_GEN)CC='$(CC)' CFLAGS='$(CFLAGS) $(CPPFLAGS) $(filter -fsanitize%,$(SEALRING_CFLAGS)) $(nginx_cflags)' \
		LDFLAGS='$(LDFLAGS) $(filter -fsanitize%,$(SEALRING_CFLAGS))' \
		SEALRING_INCLUDE='$(abs_top_srcdir)/include' SEALRING_LIBS='-L$(abs_builddir)/.libs -lsealring' \
		$(SHELL) $(top_srcdir)/gateway/nginx/build.sh gateway/nginx && touch $@
clean-nginx-module:
	rm -rf gateway/nginx/nginx gateway/nginx/*.log gateway/nginx/.identity $(nginx_module)
.PHONY: clean-nginx-module
