# The core as a library for programs outside: header, archive, what pkg-config
# has to know, and manual pages. It is the plain build of either SCHEDULER.
#
# DESTDIR is where packagers collect the files; PREFIX is where they are used.

PREFIX ?= /usr/local
LIBDIR = $(PREFIX)/lib
INCLUDEDIR = $(PREFIX)/include
MANDIR = $(PREFIX)/share/man

INSTALLS := $(filter install uninstall,$(MAKECMDGOALS))
ifneq ($(INSTALLS),)
ifneq ($(and $(VARIANT),$(filter install,$(INSTALLS))),)
$(error The plain build is installed, not that of $(if \
  $(SEED),a seed: leave out SEED,a sanitizer: leave out SANITIZE))
endif
# What pkg-config prints is split at spaces by the shell that gets it.
PLACES = $(PREFIX) $(LIBDIR) $(INCLUDEDIR) $(MANDIR)
ifneq ($(words $(filter /%,$(PLACES))) $(words $(PLACES)),4 4)
$(error PREFIX is an absolute path without spaces, not '$(PREFIX)'; so are \
  LIBDIR, INCLUDEDIR and MANDIR)
endif
endif

.PHONY: install uninstall man test-install

# $(call to,PATH): where that goes, as a word of the shell. DESTDIR may be any.
to = '$(subst ','\'',$(DESTDIR))$1'
PUT = install -m 644

# What helps lessons alone is no part of the library.
$(B)/install/libax.a: $(call objects,$(filter-out common/lesson.c common/cli.c \
  common/log.c common/serve.c,$(CORE)))
	$(Q)mkdir -p $(@D) && rm -f $@ && $(AR) rcs $@ $^

# A static library needs what it stands on in each program: plain Requires.
below = $(patsubst $(PREFIX)/%,$${prefix}/%,$1)
define AX_PC
prefix=$(PREFIX)
libdir=$(call below,$(LIBDIR))
includedir=$(call below,$(INCLUDEDIR))

Name: ax
Description: an asynchronous core, a proactor in C11 over libuv
Version: $(VERSION)
Requires: libuv >= $(VERSION_libuv)
Libs: -L$${libdir} -lax -pthread
Cflags: -I$${includedir} -pthread
endef
export AX_PC

# In build/man, so that `man -M build/man ax_run` shows them from there.
build/man/man7/ax.7: common/ax.h common/man.awk Makefile
	$(Q)rm -rf build/man && mkdir -p build/man/man3 build/man/man7
	$(Q)awk -v to=build/man -v version=$(VERSION) -f common/man.awk $<

#: man         manual pages of the core: man -M build/man ax, or ax_stream_read
man: build/man/man7/ax.7
	@:

#: install     the core as a library, for pkg-config, in PREFIX=/usr/local
install: $(B)/install/libax.a build/man/man7/ax.7
	$(Q)install -d $(call to,$(INCLUDEDIR)) $(call to,$(LIBDIR)/pkgconfig) \
	  $(call to,$(MANDIR)/man3) $(call to,$(MANDIR)/man7)
	$(Q)$(PUT) common/ax.h $(call to,$(INCLUDEDIR))
	$(Q)$(PUT) $(B)/install/libax.a $(call to,$(LIBDIR))
	$(Q)rm -f $(B)/install/ax.pc && echo "$$AX_PC" >$(B)/install/ax.pc
	$(Q)$(PUT) $(B)/install/ax.pc $(call to,$(LIBDIR)/pkgconfig)
	$(Q)$(PUT) build/man/man3/* $(call to,$(MANDIR)/man3)
	$(Q)$(PUT) build/man/man7/* $(call to,$(MANDIR)/man7)

#: uninstall   take it away again; directories stay
uninstall: build/man/man7/ax.7
	$(Q)rm -f $(call to,$(INCLUDEDIR)/ax.h) $(call to,$(LIBDIR)/libax.a) \
	  $(call to,$(LIBDIR)/pkgconfig/ax.pc)
	$(Q)for page in $$(cd build/man && ls -d man?/*); do \
	  rm -f $(call to,$(MANDIR))/$$page; done

#: test-install  does a program outside build with what is installed?
test-install:
	@MAKE='$(MAKE)' CC='$(CC)' sh tests/test_install.sh
