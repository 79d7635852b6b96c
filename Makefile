# The course, by verbs: `make` alone lists them. Everything is built under
# build/, the variants with sanitizers in build/address and build/thread, that
# under seeds in build/sim, all with the plain scheduler in build/plain.
#
# Lessons are found by their directories, lessons/NN-name, so that a new one
# needs no line here. What a lesson needs beyond the core is in its lesson.mk
# (see CONTRIBUTING.md). The tests are in tests/tests.mk, slides and book in
# slides/slides.mk and docs/docs.mk, the packages that all this needs in
# common/deps.mk, what is installed in common/install.mk, and programs of one's
# own in common/own.mk.

MAKEFLAGS += -r --no-print-directory
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell getconf _NPROCESSORS_ONLN)
endif

ifneq ($(word 2,$(MAKECMDGOALS)),)
# Several verbs: each gets a make of its own, in the order typed.
.NOTPARALLEL:
.PHONY: $(MAKECMDGOALS)
$(sort $(MAKECMDGOALS)):
	@$(MAKE) $@
else

.DEFAULT_GOAL = help
.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:
Q = $(if $(V),,@)

# A crowd of clients has a seed of its own, which is not the simulator's.
ifneq ($(filter stress%,$(MAKECMDGOALS)),)
CROWD_SEED := $(SEED)
override SEED :=
endif

# Variants: plain, SANITIZE=address (and undefined, and leak), SANITIZE=thread,
# and SEED=7: under the simulator of tests/sim.
ifneq ($(filter-out address thread,$(SANITIZE)),)
$(error SANITIZE is address or thread, not $(SANITIZE))
endif
ifneq ($(and $(SEED),$(SANITIZE)),)
$(error SEED and SANITIZE do not go together: a seed has its own checks)
endif
VARIANT := $(if $(SEED),sim,$(SANITIZE))

# What `make install` says it is.
VERSION = 0.1.0

# The core has two schedulers: the fast one, and SCHEDULER=plain to read.
SCHEDULER ?= fast
ifeq ($(filter fast plain,$(SCHEDULER)),)
$(error SCHEDULER is fast or plain, not $(SCHEDULER))
endif
CORE := $(filter-out common/scheduler_%.c,$(wildcard common/*.c)) \
  common/scheduler_$(SCHEDULER).c

ROOT := build$(if $(filter plain,$(SCHEDULER)),/plain)
B := $(ROOT)$(VARIANT:%=/%)
CFLAGS ?= $(if $(VARIANT),-O1,-O2) -g
FLAGS = -std=c11 -D_GNU_SOURCE -Icommon \
  $(if $(filter plain,$(SCHEDULER)),-DAX_SCHEDULER_PLAIN)
WARNINGS = -Wall -Wextra -Wpedantic -Werror -Wno-unused-parameter
SANITIZER_address = -fsanitize=address,undefined -fno-sanitize-recover=all
SANITIZER_thread = -fsanitize=thread
SANITIZER = $(if $(SANITIZE),-fno-omit-frame-pointer $(SANITIZER_$(SANITIZE)))
COMPILE = $(strip $(CC) $(FLAGS) $(WARNINGS) $(CFLAGS) $(SANITIZER))
HOOKS = $(if $(SEED),$(SIM_HOOKS))

# How to run what was built: sanitizers want a fixed memory layout where the
# system allows it. LeakSanitizer is not part of Apple's compiler.
DARWIN := $(filter Darwin,$(shell uname))
FIXED := setarch $(shell uname -m) -R
RUN := $(if $(SEED),SIM_SEED=$(SEED)) $(if $(VARIANT),$(shell \
  $(FIXED) true 2>/dev/null && echo $(FIXED)))
export ASAN_OPTIONS ?= detect_leaks=$(if $(DARWIN),0,1):abort_on_error=0
export TSAN_OPTIONS ?= halt_on_error=1:second_deadlock_stack=1:$\
  atexit_sleep_ms=50
export UBSAN_OPTIONS ?= print_stacktrace=1

# Lessons: N is the list of numbers and DIR_n the directory of lesson n.
number = $(patsubst 0%,%,$(firstword $(subst -, ,$(notdir $1))))
DIRS := $(patsubst %/main.c,%,$(sort $(wildcard lessons/[0-9]*-*/main.c)))
N := $(foreach d,$(DIRS),$(call number,$d))
$(foreach d,$(DIRS),$(eval DIR_$(call number,$d) := $d))
include $(wildcard lessons/*/lesson.mk exercises/*/exercise.mk)

# $(call program,path,sources,packages,libraries,more): the rules for one
# program; `more` are sources that need no packages, or are some other's own.
objects = $(patsubst %.c,$(B)/obj/%.o,$1)
define program
PROGRAMS += $1
$(foreach o,$1 $(call objects,$2),$(eval PKG_$o += $3))
$(call objects,$2): | $(patsubst %,$(B)/pkg/%,$3)
LIB_$1 := $4
$1: $(call objects,$2 $5) $(B)/libax.a | $(patsubst %,$(B)/pkg/%,$3)
endef

# A lesson's program is made of all .c files of its directory, but client.c
# is a program of its own, for demo and tests; exercise.c and check.c belong to
# the exercise. Subdirectories are apart.
main = $(filter-out %/exercise.c %/check.c %/client.c,$(sort $(wildcard $(DIR_$1)/*.c)))
client = $(wildcard $(DIR_$1)/client.c)
programs = $(B)/bin/lesson$1 $(if $(client),$(B)/bin/lesson$1-client)
# What demo and tests of a lesson run: LESSON_RUNS_N has other lessons' numbers.
run_with = $(foreach n,$1 $(LESSON_RUNS_$1),$(call programs,$n))
lesson = $(call program,$(B)/bin/lesson$1,$(main),$2,$3,$(LESSON_SRC_$1))
helper = $(call program,$(B)/bin/lesson$1-client,$(client),$2,$3)
define lesson_rules
$(call lesson,$1,$(LESSON_PKG_$1),$(LESSON_LIB_$1))
$(if $(client),$(call helper,$1,$(LESSON_PKG_$1),$(LESSON_LIB_$1)))
endef
$(foreach n,$(N),$(eval $(call lesson_rules,$n)))
LESSONS := $(PROGRAMS)

PARTS := docs/trace/trace.mk docs/trace/page.mk common/exercise.mk common/own.mk common/install.mk tests/tests.mk $(wildcard docs/docs.mk slides/slides.mk tests/*/*.mk)
include common/deps.mk $(PARTS)

# Compile and link. Another compiler or other flags make everything again.
includes = $(INCLUDE_$(firstword $(subst /, ,$<)))
packages = $(patsubst %,@$(B)/pkg/%.$1,$(PKG_$@) libuv)
$(PROGRAMS): $(if $(SEED),$(SIM_OBJECTS))
	$(Q)mkdir -p $(@D)
	$(Q)$(COMPILE) -o $@ $^ $(call packages,libs) $(LIB_$@) $(LDFLAGS) \
	  $(if $(SEED),$(SIM_LINK))

$(B)/obj/%.o: %.c $(B)/flags | $(B)/pkg/libuv
	$(Q)mkdir -p $(@D)
	$(Q)$(COMPILE) $(HOOKS) $(includes) $(call packages,cflags) -MMD -MP \
	  -c -o $@ $<

$(B)/libax.a: $(call objects,$(CORE))
	$(Q)rm -f $@ && $(AR) rcs $@ $^

ifneq ($(COMPILE) $(HOOKS) $(LDFLAGS),$(shell cat $(B)/flags 2>/dev/null))
.PHONY: $(B)/flags
endif
$(B)/flags:
	@command -v $(firstword $(CC)) >/dev/null || { \
	  echo '$(firstword $(CC)) is missing: try `make deps`' >&2; exit 1; }
	$(Q)mkdir -p $(@D) && echo '$(COMPILE) $(HOOKS) $(LDFLAGS)' >$@

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
# One that is gone meanwhile, as a neighbour's test removes its own, is no error.
$(B)/obj/%.d: ;

# The verbs. A line that begins with #: is a line of `make help`.
.PHONY: help build lessons clean $(foreach v,lesson demo diff,$(N:%=$v%))

#: help        this list
help:
	@echo 'Verbs; N is the number of a lesson: $(N)' && echo
	@sed -n 's/^#:/ /p' common/deps.mk Makefile $(PARTS) && echo
	@echo 'Verbs combine in the order typed: make deps lesson1. Everywhere:'
	@echo 'ARGS="..." for the lesson, SANITIZE=address or thread, SEED=7, CC=clang,'
	@echo 'SCHEDULER=plain, V=1'

#: lessonN     run lesson N
$(N:%=lesson%): lesson%: $(B)/bin/lesson%
	@$(RUN) $< $(ARGS)

#: demoN       run lesson N; a server together with its clients
script = $(wildcard $(DIR_$1)/demo.sh)
demo = $(RUN) $(if $(script),sh $(script)) $(B)/bin/lesson$1
$(foreach n,$(N),$(eval demo$n trace$n show$n: $(call run_with,$n)))
$(N:%=demo%): demo%:
	@$(call demo,$*) $(ARGS)

#: lessons     the tour: all lessons in order, in about a minute
LESSON_SPEED ?= 2
lessons:
	@$(MAKE) -k build || echo 'What could not be built is left out.'
	@$(foreach n,$(N),if [ -x $(B)/bin/lesson$n ]; then \
	  echo '== Lesson $n of $(lastword $(N)): $(DIR_$n)'; \
	  LESSON_SPEED=$(LESSON_SPEED) $(call demo,$n) </dev/null || exit; echo; fi;) \
	  echo 'That was the tour. It had no keyboard: for lesson 9, which waits for' \
	    'Enter, try `make lesson9`. Go on with lessons/01-timer/README.md.'

#: diffN       what changed in main.c since the lesson that N grows from
$(foreach n,$(N),$(eval BEFORE_$n ?= $(LAST))$(eval LAST := $n))
MAINS = $(DIR_$(BEFORE_$*))/main.c $(DIR_$*)/main.c
$(N:%=diff%): diff%:
	@$(if $(BEFORE_$*),git --no-pager diff --no-index $(MAINS) || true,\
	  echo 'Lesson $* is the first one: nothing to compare it with.')

#: build       all lesson programs, in build/bin
build: $(LESSONS)
	@:

#: clean       remove build/
clean:
	$(Q)rm -rf build

.DEFAULT:
	$(error No such verb or file: $@. The lessons are $(N); `make` lists the verbs)

endif
