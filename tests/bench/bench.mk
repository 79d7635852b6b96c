# The bench: the servers of lessons 10 and 15 beside peers that do the same on
# something else, under one load generator. It measures Linux alone.

BENCH_PEERS = echo_epoll chat_epoll
BENCH_COMMON = tests/bench/net.c
BENCH_LOAD = $(wildcard tests/bench/load*.c) tests/bench/measure.c
$(foreach p,$(BENCH_PEERS),$(eval \
  $(call program,$(B)/bench/$p,tests/bench/$p.c $(BENCH_COMMON))))
$(eval $(call program,$(B)/bench/load,$(BENCH_LOAD) $(BENCH_COMMON)))
BENCH_PROGRAMS = $(B)/bench/load $(BENCH_PEERS:%=$(B)/bench/%)

#: bench       measure against other ways to do it; BENCH=chat for one case
.PHONY: bench bench-programs
bench-programs: $(BENCH_PROGRAMS) $(B)/bin/lesson10 $(B)/bin/lesson15
	@:
bench: bench-programs
	@bash tests/bench/run_bench.sh $(BENCH)
