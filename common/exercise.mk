# The exercises. The solution of one is exercise.c in its lesson's directory. The
# larger ones are in exercises/NAME, with a starter.c. The learner's file is in
# work/ and is never touched once it is there. What the verbs do is in
# common/exercise.sh, what a check says in common/check.sh. A program is built by
# `make own`.

LARGER := $(patsubst exercises/%/starter.c,%,$(wildcard exercises/*/starter.c))
EXERCISES := $(foreach n,$(N),$(if $(wildcard $(DIR_$n)/exercise.c),$n))
$(foreach l,$(LARGER),$(eval DIR_-$l := exercises/$l))
include $(wildcard exercises/*/exercise.mk)
WITH_EXERCISE := $(EXERCISES) $(LARGER:%=-%)

EXERCISE = MAKE='$(MAKE)' CC='$(CC)' WORK='$(WORK)' SCHEDULER='$(SCHEDULER)' \
  SEED='$(SEED)' SEEDS='$(SEEDS)' FORCE='$(FORCE)' ROOT='$(ROOT)' \
  FIXED='$(FIXED)' DARWIN='$(DARWIN)' bash common/exercise.sh
# A lesson that has no exercise says so.
EXERCISE_VERBS := exercise check hint solution watch
exercise_verb = $(foreach n,$(N) $(LARGER:%=-%),$1$n)
# A check may have a program of its own, check.c beside check.sh.
checker = $(if $(wildcard $(DIR_$1)/check.c),$(B)/bin/check$1)
$(foreach k,$(WITH_EXERCISE),$(if $(call checker,$k),$(eval $(call program,$(call \
  checker,$k),$(DIR_$k)/check.c,$(LESSON_PKG_$k),$(LESSON_LIB_$k),$(CHECK_SRC_$k)))))

.PHONY: progress test-exercises checkers exercise-core \
  $(foreach v,$(EXERCISE_VERBS),$(call exercise_verb,$v))

#: exerciseN   begin the exercise of lesson N: writes work/NN-name/exercise.c
#: checkN      is it done? Says what it saw, what it expected and where to read
#: watchN      the same each time that you save
#: hintN       a hint, and one more each time
#: solutionN   our solution beside yours, once yours is done; FORCE=1 at once
#: exercise-http  a server without a recipe; so are -store and -balance, and each
#:             has these verbs: check-http, hint-http, solution-http, watch-http
define exercise_rule
$(call exercise_verb,$1): $1%:
	@$$(if $$(DIR_$$*),$$(EXERCISE) $1 '$$*' $$(DIR_$$*))
endef
$(foreach v,$(EXERCISE_VERBS),$(eval $(call exercise_rule,$v)))

#: progress    how far you are: begun, done, hints
progress:
	@$(EXERCISE) progress $(foreach k,$(WITH_EXERCISE),$k $(DIR_$k))

# What several programs share is built before them, since they are built at once.
exercise-core: $(B)/libax.a $(if $(SEED),$(SIM_OBJECTS)) $(foreach \
  k,$(WITH_EXERCISE),$(call objects,$(EXERCISE_SRC_$k)))
	@:
checkers: $(foreach k,$(WITH_EXERCISE),$(call checker,$k))
	@:

#: test-exercises  does each begin wrong and end right? One with ONLY=5
VARIANTS_CHECKED = SANITIZE=address SANITIZE=thread $(if $(DARWIN),,SEED=1)
test-exercises:
	@$(foreach v,$(VARIANTS_CHECKED),$(MAKE) -s exercise-core $v &&) \
	  $(MAKE) -s checkers
	@MAKE='$(MAKE)' CC='$(CC)' SCHEDULER='$(SCHEDULER)' ROOT='$(ROOT)' \
	  FIXED='$(FIXED)' ONLY='$(ONLY)' bash tests/test_exercises.sh \
	  $(foreach k,$(WITH_EXERCISE),$k=$(DIR_$k))
