# The simulator: lessons and scenarios under a seed, which decides who runs.
#
# With SEED=7 all that is built is a variant of its own: the compiler puts its
# hooks for ThreadSanitizer into the code, and what they call is in tests/sim.

SIM_B = $(ROOT)/sim
SIM_SOURCES := $(filter-out tests/sim/test_%,$(wildcard tests/sim/*.c))
SIM_OBJECTS = $(call objects,$(SIM_SOURCES))
SIM_HOOKS = -fsanitize=thread -DAX__CHECKED=0 -fno-builtin \
  -fno-omit-frame-pointer -U_FORTIFY_SOURCE
SIM_LINK = -Wl,-z,now,--wrap=memcpy,--wrap=memmove,--wrap=memset -ldl
# They check memory before it is written, which looks like reading it.
$(SIM_OBJECTS): private HOOKS = -O2 -fno-builtin -fno-omit-frame-pointer \
  -U_FORTIFY_SOURCE -Wno-unknown-warning-option -Wno-maybe-uninitialized

SCENARIOS := $(B)/scenarios
$(eval $(call program,$(SCENARIOS),$(wildcard tests/sim/scenarios/*.c) \
  lessons/12-framing/linger.c $(addprefix lessons/17-feed/,chunk.c outbox.c \
  watch.c)))
BROKEN := $(B)/broken
$(eval $(call program,$(BROKEN),$(wildcard tests/sim/broken/*.c)))

ifneq ($(word 2,$(SEED)),)
$(error SEED is one number, not $(SEED))
endif

# What the simulator is told beside the seed; see tests/sim/start.c.
export SIM_TSO = $(TSO)
export SIM_MEMORY = $(MEMORY)
export SIM_LIMIT = $(LIMIT)
export SIM_HASH = $(HASH)

# One process is simulated: a server and its clients are not.
SEEDED = $(foreach n,$(N),$(if $(call client,$n),,$n))
ifneq ($(SEED),)
ifneq ($(DARWIN),)
$(error SEED needs Linux: the simulator is not there for macOS)
endif
ifneq ($(filter test test-core $(N:%=test%) lessons bench,$(MAKECMDGOALS)),)
$(error SEED goes with a lesson or a program of your own, not with $(MAKECMDGOALS))
endif
$(foreach n,$(filter-out $(SEEDED),$(N)),$(foreach v,lesson demo trace show,\
  $(eval $v$n: no-seed)))
endif
no-seed:
	@echo 'A seed decides in one process, and a server is talked to by others:' \
	  'SEED goes with the lessons $(SEEDED)' >&2; exit 2

SIMULATE = $(if $(DARWIN),@echo 'The simulator needs Linux.' >&2; exit 1,@:)
SEEDS = 1000
FIRST = $(or $(SEED),1)

.PHONY: no-seed seeds sim mutants test-seeds test-sim seeds-texts $(N:%=seeds%)

#: seedsN      all the ways that lesson N can go, by SEEDS=1000 seeds
$(N:%=seeds%): seeds%:
	$(SIMULATE)
	@$(if $(filter $*,$(SEEDED)),$(MAKE) -s $(SIM_B)/bin/lesson$* SEED=1,\
	  $(MAKE) no-seed)
	@SIM_SEED=$(FIRST) SIM_SEEDS=$(SEEDS) $(SIM_B)/bin/lesson$* $(ARGS)

#: seeds       the same for a program of your own, with NAME=mine
seeds:
	$(SIMULATE)
	@$(MAKE) -s own SEED=1
	@SIM_SEED=$(FIRST) SIM_SEEDS=$(SEEDS) $(SIM_B)/own/$(WORK)/$(NAME) $(ARGS)

#: sim         all scenarios of the core, or ONLY=strand, under SEEDS=1000 seeds
sim:
	$(SIMULATE)
	@$(MAKE) -s $(SIM_B)/scenarios SEED=1
	@SEED='$(SEED)' SEEDS='$(SEEDS)' ONLY='$(ONLY)' TRACE='$(TRACE)' \
	  sh tests/sim/sim.sh $(SIM_B)/scenarios

# The lessons under seeds, and what they say of edits, each made in a copy.
SEEDS_TEST := $(B)/tests/test_seeds
$(eval $(call program,$(SEEDS_TEST),tests/sim/test_seeds.c tests/support.c,cmocka))
SEEDED_PROGRAMS = $(SEEDED:%=$(SIM_B)/bin/lesson%)

#: test-seeds  the lessons and the edits that they tell, under seeds
ifeq ($(SCHEDULER),plain)
test-seeds:
	@echo 'Skipped: the texts show the ways of the fast scheduler.'
else
test-seeds: $(SEEDS_TEST)
	$(SIMULATE)
	@for program in $(SEEDED_PROGRAMS); do $(MAKE) -s $$program SEED=1 || exit; done
	@$(RUN_TESTS) $(SEEDS_TEST)
	@sh tests/sim/edits.sh
endif

#: test-sim    does the simulator see what it claims? Little broken programs
test-sim:
	$(SIMULATE)
	@$(MAKE) -s $(SIM_B)/broken SEED=1
	@sh tests/sim/test_sim.sh $(SIM_B)/broken

# The ways that READMEs show, from which `make texts` has them.
SHOWN = 2 3 5 6
seeds-texts:
	@$(foreach n,$(SHOWN),$(MAKE) -s seeds$n >build/seeds.txt && \
	  mv build/seeds.txt $(DIR_$n)/ || exit;) \
	  sh tests/sim/edits.sh write

#: mutants     do the scenarios find what is broken on purpose? Takes long
mutants:
	$(SIMULATE)
	@ONLY='$(ONLY)' SCHEDULER=$(SCHEDULER) bash tests/sim/mutants.sh
