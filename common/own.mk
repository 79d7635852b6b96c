# A program of one's own: all .c files of work/NAME, built as the lessons are. Its
# page to start from is docs/your-program.c.

# Some systems have a NAME of their own in the environment.
WORK = work
ifeq ($(origin NAME),environment)
NAME =
endif

# A name is good for make and shell without quotes, and leads nowhere else.
GOOD := a b c d e f g h i j k l m n o p q r s t u v w x y z \
  A B C D E F G H I J K L M N O P Q R S T U V W X Y Z 0 1 2 3 4 5 6 7 8 9 _ -
without = $(if $2,$(call $0,$(subst $(firstword $2),,$1),$(wordlist \
  2,$(words $2),$2)),$1)
ifneq ($(call without,$(NAME),$(GOOD))$(filter -%,$(NAME)),)
$(error NAME is a word of letters, digits, - and _, not '$(NAME)')
endif

OWN := $(if $(NAME),$(sort $(wildcard $(WORK)/$(NAME)/*.c)))
OWN_PROGRAM = $(B)/own/$(WORK)/$(NAME)

# An exercise (exercise.mk) gets what its lesson links. Its directory is named
# like that of the lesson, which may have another number now, or another name.
titled = $(patsubst $(firstword $(subst -, ,$1))-%,%,$1)
namesakes = $(foreach n,$N,$(if $(filter $(call titled,$(NAME)),$(call \
  titled,$(notdir $(DIR_$n)))),$n))
EXERCISE_OF = $(if $(wildcard exercises/$(NAME)/starter.c),-$(NAME),$(if \
  $(filter 0% 1% 2% 3% 4% 5% 6% 7% 8% 9%,$(NAME)),$(firstword $(namesakes) \
  $(call number,$(NAME)))))
# A file of the learner's own takes the place of one of the same name.
LINKED = $(foreach s,$(EXERCISE_SRC_$(EXERCISE_OF)),$(if $(filter %/$(notdir \
  $s),$(OWN)),,$s))
# A seed decides in one process.
ifneq ($(and $(SEED),$(wildcard $(WORK)/$(NAME)/exercise.c exercises/$(NAME)/starter.c),$(wildcard $(DIR_$(EXERCISE_OF))/check.sh)),)
ifeq ($(shell grep '^check_runs ' $(DIR_$(EXERCISE_OF))/check.sh),)
$(error SEED goes with one process, and others talk to $(NAME), or send it signals: leave SEED out)
endif
endif
$(if $(OWN),$(eval $(call program,$(OWN_PROGRAM),$(OWN),$(LESSON_PKG_$(EXERCISE_OF)),$(LESSON_LIB_$(EXERCISE_OF)),$(LINKED))))

# What is half done may run, but a name that is not there is never right.
$(call objects,$(OWN)): private WARNINGS += -Wno-error -Werror=implicit-function-declaration
$(call objects,$(OWN)): private FLAGS += $(if $(DIR_$(EXERCISE_OF)),-I$(DIR_$(EXERCISE_OF)))

.PHONY: new run own

#: new         a page to start from: writes work/mine/main.c, with NAME=mine
new:
	@$(if $(NAME),:,echo 'Say which name it gets: make new NAME=mine' >&2; exit 2)
	@$(if $(OWN),echo 'Nothing is written: $(WORK)/$(NAME) has a program already' \
	  >&2; exit 2,:)
	@mkdir -p $(WORK)/$(NAME)
	@set -C && sed '/^ *\/\* region: /d; /^ *\/\* end: /d; s/NAME=mine/NAME=$(NAME)/' \
	  docs/your-program.c >$(WORK)/$(NAME)/main.c
	@echo '$(WORK)/$(NAME)/main.c is yours. Run it: make run NAME=$(NAME)'

#: run         a program of your own: all of work/mine/*.c, with NAME=mine
run: own
	@$(RUN) $(OWN_PROGRAM) $(ARGS)
own: $(if $(OWN),$(OWN_PROGRAM))
	@$(if $(NAME),:,echo 'Say which one: make run NAME=mine' >&2; exit 2)
	@$(if $(OWN),:,echo 'There is no $(WORK)/$(NAME)/main.c: try' \
	  '`make new NAME=$(NAME)`' >&2; exit 2)
