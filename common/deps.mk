# What the project needs, and the verbs that bring it or tell what is missing.
#
# A need is one word: what is needed, then the packages that bring it, as
#
#   kind=name[=version],apt=package,dnf=package,brew=package,pacman=package
#
# in which kind is command, pkg (asked of pkg-config), header or sanitizer (asked
# of the compiler), or python (a module). A manager may be named twice, or not
# at all where the need is always met. A lesson adds its own in lesson.mk,
# LESSON_DEPS_N; they get ",lesson=N" behind them.

VERSION_libuv = 1.44
COMPILER = $(firstword $(CC))
COMPILER_PACKAGE = $(if $(findstring clang,$(CC)),clang,gcc)

NEEDS = \
  command=$(COMPILER),apt=$(COMPILER_PACKAGE),apt=libc6-dev,dnf=$(COMPILER_PACKAGE),pacman=$(COMPILER_PACKAGE) \
  sanitizer=address,apt=$(COMPILER_PACKAGE),dnf=libasan,dnf=libubsan,dnf=compiler-rt,pacman=compiler-rt \
  sanitizer=thread,apt=$(COMPILER_PACKAGE),dnf=libtsan,dnf=compiler-rt,pacman=compiler-rt \
  command=make,apt=make,dnf=make,brew=make,pacman=make \
  command=pkg-config,apt=pkg-config,dnf=pkgconf-pkg-config,brew=pkgconf,pacman=pkgconf \
  pkg=libuv=$(VERSION_libuv),apt=libuv1-dev,dnf=libuv-devel,brew=libuv,pacman=libuv \
  pkg=cmocka,apt=libcmocka-dev,dnf=libcmocka-devel,brew=cmocka,pacman=cmocka \
  $(if $(DARWIN),,command=setarch,apt=util-linux,dnf=util-linux,pacman=util-linux) \
  $(foreach n,$(N),$(LESSON_DEPS_$n:%=%,lesson=$n))

# Nothing is built with these: what some lessons have one type.
HAND_NEEDS = \
  command=nc,apt=netcat-openbsd,dnf=nmap-ncat,brew=netcat,pacman=openbsd-netcat \
  $(if $(DARWIN),,command=strace,apt=strace,dnf=strace,pacman=strace)

# The layout is that of this version; apt may know it by name.
VERSION_clang-format = 14
FORMATTER = clang-format-$(VERSION_clang-format)
LAYOUT_TOOL = $(if $(shell command -v $(FORMATTER) || \
  apt-cache search --names-only '^$(FORMATTER)$$' 2>/dev/null),$(FORMATTER),clang-format)

LINT_NEEDS = \
  command=$(LAYOUT_TOOL),apt=$(LAYOUT_TOOL),dnf=clang-tools-extra,brew=clang-format,pacman=clang \
  command=clang-tidy,apt=clang-tidy,dnf=clang-tools-extra,brew=llvm,pacman=clang \
  command=cppcheck,apt=cppcheck,dnf=cppcheck,brew=cppcheck,pacman=cppcheck

.PHONY: deps deps-lint doctor
DEPS = CC='$(CC)' sh common/deps.sh

#: deps        install what is missing to build, run and test
deps:
	@$(DEPS) install $(NEEDS)

#: deps-lint   install what is missing for `make lint`
deps-lint:
	@$(DEPS) install $(LINT_NEEDS)

#: doctor      what is here, what is missing, and how to get it
doctor:
	@echo 'To build, run and test (make deps brings it all):'
	@$(DEPS) doctor $(NEEDS); status=$$?; echo; \
	  echo 'To talk to servers by hand, and to watch lesson 8:'; \
	  $(DEPS) doctor $(HAND_NEEDS); echo; \
	  echo 'For make format and make lint (make deps-lint brings it all):'; \
	  $(DEPS) doctor $(LINT_NEEDS); $(MAKE) doctor-docs doctor-bench doctor-fuzz doctor-irc; exit $$status

# A package as seen by the compiler: files with its flags, to be read with @.
$(B)/pkg/%:
	@pkg-config --exists '$*$(VERSION_$*:%= >= %)' 2>/dev/null || { \
	  pkg-config --exists '$*' 2>/dev/null || echo \
	    '$*$(VERSION_$*:%= >= %) is missing, or pkg-config is: try `make deps`' >&2; \
	  $(DEPS) doctor $(filter pkg=$*%,$(NEEDS)) >&2; exit 1; }
	$(Q)mkdir -p $(@D) && pkg-config --cflags $* >$@.cflags && \
	  pkg-config --libs $* >$@.libs && touch $@
