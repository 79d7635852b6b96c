# Hazards: small programs that are wrong on purpose, each with a twin that is
# right. What a hazard's first comment says of itself is in comment.sh.

HAZARD_RUNS ?= 1
hazards_of = $(filter-out %_fixed.c,$(sort $(wildcard $(DIR_$1)/hazards/*.c)))
HAZARD_SOURCES = $(foreach n,$(N),$(call hazards_of,$n))
LACKS = $(if $(DARWIN),Seed)
PROVE = FIXED='$(FIXED)' ROOT='$(ROOT)' LACKS='$(LACKS)' \
  HAZARD_RUNS='$(HAZARD_RUNS)' bash tests/hazards/hazards.sh

.PHONY: hazards test-hazards hazard-programs $(N:%=hazards%)

#: hazardsN    what goes wrong in lesson N: a tool finds it, a twin does right
$(N:%=hazards%): hazards%:
	@$(if $(call hazards_of,$*),MAKE='$(MAKE)' $(PROVE) show $(call hazards_of,$*),\
	  echo 'Lesson $* has no hazards.')

#: hazards     is every hazard caught and its twin clean? HAZARD_RUNS=10
hazards:
	@MAKE='$(MAKE)' $(PROVE) prove $(HAZARD_SOURCES)

#: test-hazards  does `make hazards` fail when a hazard says what is not so?
test-hazards:
	@MAKE='$(MAKE)' FIXED='$(FIXED)' ROOT='$(ROOT)' LACKS='$(LACKS)' \
	  bash tests/hazards/test_hazards.sh

# The programs of the sources HAZARDS in this variant. A hazard may use what its
# lesson needs, and sources that it names: " * Uses: lessons/10-echo/listener.c".
hazard_number = $(call number,$(word 2,$(subst /, ,$1)))
hazard_uses = $(shell sed -n 's,^ [*] Uses: ,,p; /[*]\//q' $1)
hazard_program = $(B)/hazards/$(1:%.c=%)
hazard_rules = $(call program,$(call hazard_program,$1),$1,$(LESSON_PKG_$2),$\
  $(LESSON_LIB_$2),$(call hazard_uses,$1))
$(foreach s,$(HAZARDS),$(eval $(call hazard_rules,$s,$(call hazard_number,$s))))
hazard-programs: $(foreach s,$(HAZARDS),$(call hazard_program,$s))
	@:
