# The slides: four decks, one file each, which need no network. What they need
# themselves is in docs/docs.mk.

DECKS := $(patsubst slides/%.md,build/slides/%.html,$(wildcard slides/[1-9]-*.md))
SLIDE_PARTS = docs/regions.lua slides/slides.lua slides/template.html \
  slides/theme.css slides/steps.js $(wildcard slides/pictures/*.svg)
SLIDE_TEXTS = $(wildcard lessons/*/*.c lessons/*/*.h lessons/*/*.txt \
  lessons/*/README.md)
BROWSE = NODE_MODULES=$(NODE_MODULES) CHROMIUM=$(CHROMIUM) node
PYTHON ?= python3

.PHONY: slides slides-pdf slides-serve test-slides

#: slides      four decks in build/slides, each a file that needs no network
slides: $(DECKS)
	@echo 'Open: $(DECKS)'

build/slides/%.html: slides/%.md $(SLIDE_PARTS) $(SLIDE_TEXTS) | docs-tools
	$(Q)mkdir -p $(@D)
	$(Q)NODE_MODULES=$(NODE_MODULES) pandoc -t revealjs --slide-level=2 \
	  --template=slides/template.html --lua-filter=docs/regions.lua \
	  --lua-filter=slides/slides.lua -o $@ $<

#: slides-pdf  the decks as PDF, a page for each slide
slides-pdf: $(DECKS:.html=.pdf)
	@echo 'Open: $^'

build/slides/%.pdf: build/slides/%.html slides/print.mjs
	$(Q)$(BROWSE) slides/print.mjs $< $@

#: slides-serve  the decks in a browser, from http://127.0.0.1:8000
slides-serve: $(DECKS)
	@$(foreach d,$(notdir $(DECKS)),echo 'http://127.0.0.1:8000/$d';)
	@cd build/slides && $(PYTHON) -m http.server --bind 127.0.0.1 8000

#: test-slides every slide in both themes: fits, is readable, steps, prints
test-slides: $(DECKS)
	@$(BROWSE) slides/test_slides.mjs $(DECKS)
