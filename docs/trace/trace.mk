# What happened in a run, to look at: `make showN` prints it as text, `make
# traceN` writes it for Perfetto, and a page: page.mk. docs/trace.md tells what is in a trace.
#
# The tool that prints is built for this machine without sanitizers or seeds,
# whatever is traced: it needs nothing but a compiler.

TRACED = build/trace/$1$(SEED:%=-%).json
TRACE_FILE = $(call TRACED,$(notdir $(DIR_$*)))
OWN_TRACE = $(call TRACED,$(NAME))

SHOW := build/show
SHOW_SOURCES := $(wildcard docs/trace/*.c)
$(SHOW): $(SHOW_SOURCES) $(wildcard docs/trace/*.h)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE -O2 $(WARNINGS) -o $@ $(SHOW_SOURCES) -lm

# $(call traced,file,command): runs it, and fails as it does. An old trace is
# none of this run.
define traced
@mkdir -p $(dir $1) && rm -f $1
@AX_TRACE=$1 $2 $(ARGS)
endef

# $(call shown,file,command): the same, and shows what there is in any case.
TIMES = $(FROM:%=--from %) $(TO:%=--to %)
define shown
@mkdir -p $(dir $1) && rm -f $1
@AX_TRACE=$1 $2 $(ARGS); status=$$?; \
  [ ! -e $1 ] || { echo; $(SHOW) $(TIMES) $1; } || [ $$status != 0 ] || \
  status=1; exit $$status
endef

.PHONY: trace show $(foreach v,trace show,$(N:%=$v%))

#: showN       run demoN and print what happened, as bars; FROM=1 TO=2 of it
$(N:%=show%): show%: $(SHOW)
	$(call shown,$(TRACE_FILE),$(call demo,$*))

#: traceN      run demoN; what happened is on a page, build/trace/NN-name.html
$(N:%=trace%): trace%:
	$(call traced,$(TRACE_FILE),$(call demo,$*))
	$(call page,$*,$(TRACE_FILE))

#: show, trace the same for a program of your own, with NAME=mine
show: $(SHOW) own
	$(call shown,$(OWN_TRACE),$(RUN) $(OWN_PROGRAM))
trace: own
	$(call traced,$(OWN_TRACE),$(RUN) $(OWN_PROGRAM))
	$(call own_page,$(OWN_TRACE))

# Sanitizers watch it while it reads what is no trace.
SHOW_CHECKED := build/address/show
$(SHOW_CHECKED): $(SHOW_SOURCES) $(wildcard docs/trace/*.h)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE -O1 -g $(WARNINGS) $(SANITIZER_address) \
	  -o $@ $(SHOW_SOURCES) -lm

# Lessons have a picture under a seed of the fast scheduler.
SHOW_LESSONS = 1 2 3 4 5 6 14
SHOW_BIN = $(if $(DARWIN)$(filter plain,$(SCHEDULER)),,$(SIM_B)/bin)
show_test = FIXED='$(shell $(FIXED) true 2>/dev/null && echo $(FIXED))' \
  sh tests/test_show.sh

.PHONY: test-show show-texts show-lessons
show-lessons:
	@$(if $(SHOW_BIN),for n in $(SHOW_LESSONS); do \
	  $(MAKE) -s $(SIM_B)/bin/lesson$$n SEED=1 || exit; done,:)

#: test-show   is what `make showN` prints what happened? Odd traces, too
test-show: $(SHOW_CHECKED) show-lessons
	@$(show_test) check $(SHOW_CHECKED) $(SHOW_BIN)

# The pictures in READMEs, from which `make texts` has them.
show-texts: $(SHOW) show-lessons
	@$(show_test) write $(SHOW) $(SHOW_BIN)
