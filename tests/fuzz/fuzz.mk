# Fuzzing with libFuzzer, which comes with clang: the parser of lesson 19 and its
# whole hall. What it tries first is in line/ and hall/; the tests of the lesson
# read line/ as well.

FUZZ_CC ?= clang
FUZZ_SECONDS ?= 30
FUZZERS = line hall
FUZZ_SOURCES_line = lessons/19-irc/line.c
FUZZ_SOURCES_hall = $(filter-out %/main.c %/client.c %/session.c %/exercise.c \
  %/check.c,$(wildcard \
  lessons/19-irc/*.c)) lessons/17-feed/chunk.c $(CORE)
FUZZ_COMPILE = $(FUZZ_CC) $(FLAGS) $(WARNINGS) -Itests -O1 -g \
  -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined
FUZZ_NEEDS = sanitizer=fuzzer,apt=clang,dnf=clang,dnf=compiler-rt,brew=llvm,pacman=clang,pacman=compiler-rt
FUZZ_DEPS = CC='$(FUZZ_CC)' sh common/deps.sh

.PHONY: fuzz fuzz-tools deps-fuzz doctor-fuzz

#: fuzz        feed the IRC server's parser and hall with what a fuzzer makes up
fuzz: $(FUZZERS:%=build/fuzz/%)
	@FIXED='$(FIXED)' sh tests/fuzz/fuzz.sh build/fuzz $(FUZZ_SECONDS) $(FUZZERS)

#: deps-fuzz   install what is missing for `make fuzz`
deps-fuzz:
	@$(FUZZ_DEPS) install $(FUZZ_NEEDS)

doctor-fuzz:
	@echo && echo 'For make fuzz (make deps-fuzz brings it):'
	@$(FUZZ_DEPS) doctor $(FUZZ_NEEDS) || :

fuzz-tools:
	@$(FUZZ_DEPS) doctor $(FUZZ_NEEDS) >/dev/null || { \
	  echo '$(FUZZ_CC) with its fuzzer is missing: try `make deps-fuzz`' >&2; \
	  $(FUZZ_DEPS) doctor $(FUZZ_NEEDS) >&2; exit 1; }

build/fuzz/%: tests/fuzz/%.c $(wildcard tests/irc/*.h lessons/19-irc/*.[ch] \
  lessons/17-feed/*.[ch] common/*.[ch]) | fuzz-tools $(B)/pkg/libuv
	$(Q)mkdir -p $(@D) && $(FUZZ_COMPILE) @$(B)/pkg/libuv.cflags \
	  -o $@ $< $(FUZZ_SOURCES_$*) @$(B)/pkg/libuv.libs
