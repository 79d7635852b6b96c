# The bench: the servers of lessons 10, 18 and 19 and the core's own machinery
# beside peers that do the same on something else, under one load generator. It
# measures Linux alone. What is measured, and how to read it, is told in
# docs/performance.md.

# The programs in C, each with the sources it shares; all have net.c.
BENCH_SHARED_micro = tests/bench/measure.c
BENCH_SHARED_micro_uv = tests/bench/measure.c
BENCH_SHARED_chat_epoll = tests/bench/room.c
BENCH_SHARED_echo_uv = tests/bench/uv_server.c
BENCH_SHARED_chat_uv = tests/bench/uv_server.c tests/bench/room.c
BENCH_LOAD = $(wildcard tests/bench/load*.c) tests/bench/measure.c
BENCH_C = micro micro_uv echo_epoll chat_epoll echo_uv chat_uv
$(foreach p,$(BENCH_C),$(eval $(call program,$(B)/bench/$p,tests/bench/$p.c \
  $(BENCH_SHARED_$p) tests/bench/net.c)))
$(eval $(call program,$(B)/bench/load,$(BENCH_LOAD) tests/bench/net.c))

# The peers in C++, on Boost.Asio, one source each.
BENCH_ASIO = micro_asio echo_asio chat_asio
FORMATTED += $(wildcard tests/bench/*.cpp tests/bench/*.hpp)
CXXFLAGS ?= -O2 -g
COMPILE_CXX = $(CXX) -std=c++17 $(WARNINGS) $(CXXFLAGS) $(SANITIZER) -pthread
$(BENCH_ASIO:%=$(B)/bench/%): $(B)/bench/%: tests/bench/%.cpp \
  tests/bench/asio_server.hpp $(B)/flags
	$(Q)mkdir -p $(@D) && $(COMPILE_CXX) -o $@ $< $(LDFLAGS)

# Boost is asked for by a header of one line that a C compiler can read, too.
# The newest that apt knows of, where there are several.
BOOST = boost/asio/version.hpp
BOOST_APT = $(or $(shell apt-cache search --names-only \
  '^libboost[0-9.]+-dev$$' 2>/dev/null | cut -d' ' -f1 | sort -V | \
  tail -n 1),libboost-dev)
# Debian has it in a directory of which not everybody's PATH knows.
NGIRCD := $(or $(shell PATH=$$PATH:/usr/sbin command -v ngircd),ngircd)
BENCH_NEEDS = \
  command=$(CXX),apt=g++,dnf=gcc-c++,brew=gcc,pacman=gcc \
  header=$(BOOST),apt=$(BOOST_APT),dnf=boost-devel,brew=boost,pacman=boost \
  command=$(NGIRCD),apt=ngircd,dnf=ngircd,brew=ngircd,pacman=ngircd \
  $(if $(DARWIN),,command=taskset,apt=util-linux,dnf=util-linux,pacman=util-linux)

.PHONY: deps-bench doctor-bench bench bench-programs bench-served bench-asio \
  bench-docs crowd19 tricks
#: deps-bench  install what is missing for `make bench`
deps-bench:
	@$(DEPS) install $(NEEDS) $(BENCH_NEEDS)

doctor-bench:
	@echo && echo 'For make bench (make deps-bench brings it all):'
	@$(DEPS) doctor $(BENCH_NEEDS) || :

bench-asio: $(BENCH_ASIO:%=$(B)/bench/%)
	@:
BENCH_WITH_ASIO = echo '\#include <$(BOOST)>' | \
  $(CXX) -x c++ -E - >/dev/null 2>&1
ifneq ($(DARWIN),)
bench-programs:
	@echo 'The bench needs Linux: it stands on epoll and /proc.' >&2; exit 1
else
# Those that a scheduler serves; the plain one's are built apart.
BENCH_SERVED = bench/micro bin/lesson10 bin/lesson18 bin/lesson19
bench-served: $(BENCH_SERVED:%=$(B)/%)
	@:
# A test of lesson 19 is a crowd of the load generator.
programs test19: $(B)/bench/load
bench-programs: bench-served $(BENCH_C:%=$(B)/bench/%) $(B)/bench/load
	@$(MAKE) -s bench-served SCHEDULER=plain
	@if $(BENCH_WITH_ASIO); then $(MAKE) bench-asio; else \
	  rm -f $(BENCH_ASIO:%=$(B)/bench/%); \
	  echo 'Boost.Asio or $(CXX) is missing, so its peers are left out:' \
	    'try `make deps-bench`'; fi
	@command -v $(NGIRCD) >/dev/null || \
	  echo 'ngircd is missing, so it is left out: try `make deps-bench`'
endif

#: bench       measure beside other ways to do it; BENCH=chat for one case
bench: bench-programs
	@B=$(B) CXX='$(CXX)' NGIRCD=$(NGIRCD) bash tests/bench/run_bench.sh $(BENCH)

#: crowd19     10,000 people come and go in lesson 19, for SECONDS=60
crowd19: $(if $(DARWIN),bench-programs,$(B)/bin/lesson19 $(B)/bench/load)
	@B=$(B) bash tests/bench/crowd.sh $(or $(SECONDS),60)

#: tricks      what each trick of the core buys: the core without it, measured
tricks: bench-programs
	@bash tests/bench/tricks.sh '$(ONLY)'

#: bench-docs  put what `make bench` measured into docs/performance.md
MEASURED = tests/bench/measured.txt
bench-docs:
	@grep -qs '^about complete=1' $(B)/bench/results.txt && \
	  grep -q '^[0-9]* goals reached' $(B)/bench/table.txt || { echo \
	  'No whole run has been measured: try `make deps-bench bench`' >&2; exit 1; }
	@cp $(B)/bench/table.txt $(MEASURED)
	@sh docs/text.sh write docs/performance.md
