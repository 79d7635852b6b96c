# The IRC server of lessons 19 and 20 among a crowd, and that of lesson 19 with
# the clients that people have.

# Programs of the distribution, and a package of npm. What cannot be had here is
# said, and the tests skip it.
IRC_NEEDS = \
  command=tmux,apt=tmux,dnf=tmux,brew=tmux,pacman=tmux \
  command=irssi,apt=irssi,dnf=irssi,brew=irssi,pacman=irssi \
  command=weechat-headless,apt=weechat-headless,dnf=weechat,brew=weechat,pacman=weechat \
  command=sic,apt=sic,dnf=sic,brew=sic,pacman=sic \
  python=irc,apt=python3-irc,dnf=python3-irc,pacman=python-irc \
  command=npm,apt=npm,dnf=nodejs-npm,brew=node,pacman=npm
IRC_NODE_PACKAGE = irc-framework@4.14.0
IRC_NODE = build/irc/node_modules/irc-framework

.PHONY: stress19 crowd20 deps-irc doctor-irc test-irc

#: stress19    a crowd that does anything to lesson 19, SECONDS=60 SEED=7
SECONDS ?= 60
CROWD_TEST = $(B)/tests/test_lesson19_crowd
stress19: $(call run_with,19) $(CROWD_TEST)
	@LESSON_BIN=$(B)/bin LESSON_RUNS=19 CROWD_SECONDS=$(SECONDS) \
	  CROWD_SEED=$(or $(CROWD_SEED),$(shell date +%s)) $(RUN) $(CROWD_TEST)

#: crowd20     5,000 strangers in lesson 20, some of whom do their worst
crowd20: $(call run_with,20) $(B)/tests/test_lesson20
	@LESSON_BIN=$(B)/bin LESSON_RUNS=20 STRANGERS=$(or $(CLIENTS),5000) \
	  TEST='*channel_notices*' $(RUN) $(B)/tests/test_lesson20

#: deps-irc    install the IRC clients that `make test-irc` tries
deps-irc:
	@for need in $(IRC_NEEDS); do $(DEPS) install $$need || \
	  echo "Skipped: $${need%%,*} cannot be had here."; done
	@[ -d $(IRC_NODE) ] || ! command -v npm >/dev/null || { \
	  echo 'Installing: $(IRC_NODE_PACKAGE) (in build/irc)' && \
	  mkdir -p build/irc && npm install --silent --no-audit --no-fund \
	    --prefix build/irc $(IRC_NODE_PACKAGE) >/dev/null; } || \
	  echo 'Skipped: $(IRC_NODE_PACKAGE) cannot be had here.'

doctor-irc:
	@echo && echo 'For make test-irc (make deps-irc brings it all):'
	@$(DEPS) doctor $(IRC_NEEDS) || :
	@[ -d $(IRC_NODE) ] && echo '  $(subst @, ,$(IRC_NODE_PACKAGE))' || \
	  echo '  irc-framework        MISSING: make deps-irc'

#: test-irc    real clients and lesson 19: join, talk, nick, kick, reconnect
CLIENTS_TEST := $(B)/tests/test_clients
$(eval $(call program,$(CLIENTS_TEST),tests/irc/test_clients.c \
  tests/support.c,cmocka))
test-irc: $(call run_with,19) $(CLIENTS_TEST)
	@LESSON_BIN=$(B)/bin LESSON_RUNS=19 $(RUN) $(CLIENTS_TEST)
