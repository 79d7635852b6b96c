# The slides: five decks, one file each, which need no network. What they need
# themselves is in docs/docs.mk.

DECKS := $(patsubst slides/%.md,build/slides/%.html,\
  $(wildcard slides/[1-9]-*.md))
SLIDE_PARTS = docs/regions.lua slides/slides.lua slides/template.html \
  slides/theme.css slides/steps.js $(wildcard slides/pictures/*.svg)
SLIDE_TEXTS = $(wildcard lessons/*/*.c lessons/*/*.h lessons/*/*.txt \
  lessons/*/README.md)
BROWSE = NODE_MODULES=$(NODE_MODULES) CHROMIUM=$$(command -v $(CHROMIUM)) node

.PHONY: slides slides-pdf slides-serve test-slides

#: slides      five decks in build/slides, each a file that needs no network
slides: $(DECKS)
	@echo 'Open: $(DECKS)'

build/slides/%.html: slides/%.md $(SLIDE_PARTS) $(SLIDE_TEXTS) | docs-tools
	$(Q)mkdir -p $(@D)
	$(Q)NODE_MODULES=$(NODE_MODULES) pandoc -f markdown-implicit_figures \
	  -t revealjs --slide-level=2 \
	  --template=slides/template.html --lua-filter=docs/regions.lua \
	  --lua-filter=slides/slides.lua -o $@ $<

#: slides-pdf  the decks as PDF, a page for each slide
slides-pdf: $(DECKS:.html=.pdf)
	@echo 'Open: $^'

build/slides/%.pdf: build/slides/%.html slides/print.mjs slides/browser.mjs
	$(Q)$(BROWSE) slides/print.mjs $< $@

#: slides-serve  the decks in a browser; PORT=8000, Ctrl-C ends it
PORT ?= 8000
OPEN ?= $(firstword $(shell command -v xdg-open || command -v open))
slides-serve: $(DECKS)
	@$(if $(OPEN),(sleep 1; $(OPEN) http://127.0.0.1:$(PORT)/ >/dev/null 2>&1) &) \
	  node slides/serve.mjs build/slides $(PORT)

#: test-slides every slide in both themes: fits, is readable, steps, prints
test-slides: $(DECKS)
	@$(BROWSE) slides/test_slides.mjs $(DECKS)
