# The tests: one program per core module and one per lesson, with cmocka, in
# every variant; and the tools that read the code.

INCLUDE_tests = -Itests
CORE_TESTS := $(wildcard tests/core/test_*.c)
# A lesson has test_lessonN.c, and may have more: test_lessonN_crowd.c.
sources_of = $(wildcard tests/lessons/test_lesson$1.c \
  tests/lessons/test_lesson$1_*.c)
LESSON_TESTS := $(foreach n,$(N),$(call sources_of,$n))
TESTED := $(foreach n,$(N),$(if $(call sources_of,$n),$n))
test_program = $(B)/tests/$(basename $(notdir $1))
tests = $(foreach t,$1,$(call test_program,$t))
tests_of = $(call tests,$(call sources_of,$1))
$(foreach t,$(CORE_TESTS) $(LESSON_TESTS),$(eval \
  $(call program,$(call test_program,$t),$t tests/support.c,cmocka)))

# Two at a time, each with a time limit; the variant is in the path. Tests of a
# lesson run its program and those of LESSON_RUNS_N, which are built for them.
RUN_TESTS = $(foreach n,$(TESTED),RUNS_$n='$n $(LESSON_RUNS_$n)') \
  FIXED='$(FIXED)' bash tests/run.sh

.PHONY: test test-core test-own test-demo test-edited core core-tests programs \
  format lint $(N:%=test%)

# Nothing can be tested without the first, and one variant of it all.
core: $(B)/libax.a | $(B)/pkg/cmocka
programs: $(LESSONS) $(call tests,$(CORE_TESTS) $(LESSON_TESTS))
	@:

#: testN       the tests of lesson N
$(foreach n,$(N),$(eval test$n: $(call run_with,$n)))
$(foreach n,$(TESTED),$(eval test$n: $(call tests_of,$n)))
$(N:%=test%): test%:
	@$(if $(filter $*,$(TESTED)),$(RUN_TESTS) $(call tests_of,$*),\
	  echo 'Lesson $* has no tests.')

#: test-core   the tests of the core
test-core: $(call tests,$(CORE_TESTS))
	@$(RUN_TESTS) $^

#: test-own    does `make new` write a program that builds and runs?
test-own:
	@MAKE='$(MAKE)' sh tests/test_own.sh

#: test-demo   is a demo's server gone when a signal ends the demo?
test-demo:
	@bash tests/test_demo.sh

#: test-edited do the tests say first what is different in an edited lesson?
test-edited: $(foreach n,1 2 3 4 5 6 7 8 14,$(B)/tests/test_lesson$n)
	@sh tests/test_edited.sh $(B)/tests

#: test        all tests: plain, with sanitizers, with seeds, both schedulers
VARIANTS = $(if $(SANITIZE),$(SANITIZE),plain address thread)
variant = $(filter-out plain,$1)
variant_tests = $(patsubst $(B)/%,$(ROOT)/$(if $(variant),$(variant)/)%,$(call \
  tests,$(LESSON_TESTS) $(CORE_TESTS)))
# Those that take longest begin first, so that nobody waits for them alone.
SLOW_FIRST = $(filter thread,$(VARIANTS)) $(filter-out thread,$(VARIANTS))
# The other scheduler has the tests of the core.
OTHER = $(if $(filter plain,$(SCHEDULER)),fast,plain)
OTHER_TESTS = $(patsubst $(B)/%,$(if $(filter plain,$(OTHER)),build/plain,build)/%,\
  $(call tests,$(CORE_TESTS)))
core-tests: $(call tests,$(CORE_TESTS))
	@:
test:
	@mkdir -p build && : >build/wrong
	@$(foreach v,$(VARIANTS),echo 'building $v' && \
	  $(MAKE) core SANITIZE=$(call variant,$v) && { \
	  $(MAKE) -k programs SANITIZE=$(call variant,$v) || \
	  echo 'NOT ALL BUILT: $v' >>build/wrong; } &&) :
	@$(if $(SANITIZE),:,echo 'building the core with SCHEDULER=$(OTHER)' && \
	  { $(MAKE) -k core-tests SCHEDULER=$(OTHER) || \
	  echo 'NOT ALL BUILT: SCHEDULER=$(OTHER)' >>build/wrong; })
	@$(MAKE) test-text || echo 'STALE: a text, see above' >>build/wrong
	@$(if $(SANITIZE),:,$(MAKE) test-install) || \
	  echo 'FAILED: test-install, see above' >>build/wrong
	@$(if $(SANITIZE),:,$(MAKE) -k test-own test-demo test-edited test-page) || \
	  echo 'FAILED: test-own, test-demo, test-edited or test-page, see above' >>build/wrong
	@$(if $(SANITIZE),:,$(if $(DARWIN),echo 'Skipped: seeds need Linux.',\
	  { $(MAKE) -k test-sim test-seeds test-show && $(MAKE) sim SEEDS=200; } || \
	  echo 'FAILED: under seeds' >>build/wrong))
	@$(if $(SANITIZE),:,$(MAKE) test-exercises) || \
	  echo 'FAILED: test-exercises, see above' >>build/wrong
	@$(if $(SANITIZE),:,$(MAKE) hazards test-hazards) || \
	  echo 'FAILED: hazards or test-hazards, see above' >>build/wrong
	@$(if $(SANITIZE)$(DARWIN),:,$(MAKE) sim SCHEDULER=$(OTHER) SEEDS=30 || \
	  echo 'FAILED: under seeds, SCHEDULER=$(OTHER)' >>build/wrong)
	@$(RUN_TESTS) $(foreach v,$(SLOW_FIRST),$(call variant_tests,$v)) \
	  $(if $(SANITIZE),,$(OTHER_TESTS)); \
	  status=$$?; cat build/wrong; [ $$status = 0 ] && [ ! -s build/wrong ]

# What is formatted, and what clang-tidy and cppcheck read. Hazards and what a
# check must find are wrong on purpose, so they are not read; nor is what the
# simulator must find.
FORMATTED = $(sort $(foreach p,common/* docs/* docs/*/* lessons/*/* lessons/*/hazards/* \
  lessons/*/wrong/* exercises/* exercises/*/* tests/* tests/*/* \
  tests/*/*/*,$(wildcard $p.c $p.h)))
WRONG = $(wildcard $(foreach d,hazards wrong,lessons/*/$d/*.c exercises/*/$d/*.c))
READ = $(filter-out $(WRONG) tests/sim/broken/%,$(filter %.c,$(FORMATTED)))
CLANG_FORMAT ?= $(firstword $(shell command -v $(FORMATTER)) clang-format)
CLANG_TIDY ?= clang-tidy
CPPCHECK ?= cppcheck

LINT_PKG = libuv cmocka $(sort $(foreach n,$(N),$(LESSON_PKG_$n)))
LINT_FLAGS = $$(cat $(LINT_PKG:%=$(B)/pkg/%.cflags))

# $(call tool,program): a line in a recipe that stops when it is not there.
tool = @command -v $1 >/dev/null || { \
  echo '$1 is missing: try `make deps-lint`' >&2; exit 1; }

# Another version lays out some lines otherwise; empty if it is the right one.
LAYOUT_OF = $(shell $(CLANG_FORMAT) --version 2>/dev/null | \
  sed 's/.*version \([0-9]*\).*/\1/')
OTHER_LAYOUT = $(if $(filter $(VERSION_clang-format),$(LAYOUT_OF)),,the layout \
  is that of clang-format $(VERSION_clang-format), this is $(LAYOUT_OF))

#: format      lay out all C files as the style wants it
format:
	$(call tool,$(CLANG_FORMAT))
	$(if $(OTHER_LAYOUT),@echo '$(OTHER_LAYOUT): nothing is changed' >&2; exit 1)
	$(Q)$(CLANG_FORMAT) -i $(FORMATTED)

#: lint        clang-format, clang-tidy, cppcheck and the layers of the core
.PHONY: lint-layout lint-tidy lint-cppcheck lint-layers
lint:
	@$(MAKE) -k lint-layout lint-tidy lint-cppcheck lint-layers

lint-layers: $(B)/libax.a
	@sh tests/core/layers.sh $(B)/obj/common

lint-layout:
	$(call tool,$(CLANG_FORMAT))
	@echo 'clang-format: $(if $(OTHER_LAYOUT),$(OTHER_LAYOUT): skipped,$(words \
	  $(FORMATTED)) files)'
	$(if $(OTHER_LAYOUT),,$(Q)$(CLANG_FORMAT) --dry-run -Werror $(FORMATTED))

# One file at a time: version 14 finds uninitialised va_lists in the second.
lint-tidy: $(LINT_PKG:%=$(B)/pkg/%)
	$(call tool,$(CLANG_TIDY))
	@echo 'clang-tidy: $(words $(READ)) files'
	$(Q)printf '%s\n' $(READ) | xargs -P 2 -n 1 sh -c 'found=$$($(CLANG_TIDY) \
	  --quiet $$0 -- $(FLAGS) -Itests $(LINT_FLAGS) 2>&1) || \
	  { echo "$$found" | grep -v "generated.$$"; exit 1; }'

# It does not see that memory is filled through an ax_seq; the compilers do.
UNSEEN = --suppress=uninitvar --suppress=legacyUninitvar
lint-cppcheck:
	$(call tool,$(CPPCHECK))
	@echo 'cppcheck: $(words $(READ)) files'
	$(Q)$(CPPCHECK) -q -j 2 --std=c11 --enable=warning,performance,portability \
	  --error-exitcode=1 --inline-suppr --suppress=missingIncludeSystem $(UNSEEN) \
	  '-D_Noreturn=__attribute__((noreturn))' \
	  $(filter-out -std=%,$(FLAGS)) -Itests $(READ)
