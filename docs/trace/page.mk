# The page that shows a run, build/trace/NN-name.html, and the pictures of runs
# in the READMEs. A page is one file that needs no network; to make it takes sh,
# sed and awk alone. A picture is drawn by the page, in a browser.

# Handlers that touch the same thing: where two of them run at once, and no
# strand keeps them apart, the page says so.
SHARED_2 = expired
SHARED_3 = expired
SHARED_5 = expired
SHARED_6 = expired

PAGE_PARTS := $(addprefix docs/trace/,pages.sh page.sh compact.awk page.html \
  page.css) $(wildcard docs/trace/*.js) slides/pictures/cast.svg slides/theme.css
TITLE = $(shell sed -n '1s/^\# //p' $(DIR_$1)/README.md)

# $(call page,n,trace): a lesson's page. Under the simulator it has a run for
# each way that the lesson can go as well.
WITH_WAYS = $(if $(SEED)$(SANITIZE)$(DARWIN),,$(filter $1,$(SEEDED)))
define page
@+$(if $(WITH_WAYS),$(MAKE) -s $(SIM_B)/bin/lesson$1 SEED=1)
@BESIDE=1 sh docs/trace/pages.sh $(2:.json=.html) '$(TITLE)' '$(SHARED_$1)' $2 \
  $(if $(WITH_WAYS),$(SIM_B)/bin/lesson$1)
@$(PAGE_TOLD)
endef
PAGE_TOLD = echo 'To see what happened open $(2:.json=.html) in a browser, or' \
  '$2 in https://ui.perfetto.dev'

# $(call own_page,trace): that of a program of one's own.
define own_page
@sh docs/trace/pages.sh $(1:.json=.html) '$(NAME)' '' $1
@$(call PAGE_TOLD,,$1)
endef

# The pages of the site, where nothing depends on real time: all the ways of
# lessons that the simulator runs, and what was recorded of others.
name = $(notdir $(DIR_$1))
RECORDED = $(foreach n,$(N),$(if $(wildcard $(DIR_$n)/run.json),$n))
PICTURED = $(foreach n,$(if $(DARWIN),,$(SEEDED)) $(RECORDED),$(call name,$n))
SITE_PAGES = $(PICTURED:%=build/docs/trace/%.html)

build/docs/trace/%.html: lessons/%/README.md $(PAGE_PARTS) \
  $(wildcard common/*.[ch] tests/sim/*.[ch] lessons/*/*.[ch] lessons/*/run.json)
	$(Q)mkdir -p $(@D) && rm -f $(@:.html=-*.json)
	+$(Q)$(if $(wildcard lessons/$*/run.json),:,\
	  $(MAKE) -s $(SIM_B)/bin/lesson$(call number,$*) SEED=1)
	$(Q)sh docs/trace/pages.sh $@ '$(call TITLE,$(call number,$*))' \
	  '$(SHARED_$(call number,$*))' $(or $(wildcard lessons/$*/run.json),\
	  - $(SIM_B)/bin/lesson$(call number,$*))

PICTURE = CHROMIUM=$$(command -v $(CHROMIUM)) node docs/trace/picture.mjs

.PHONY: site-pages run-pictures test-run-pictures test-page record \
  test-recorded test-page-browser
site-pages:
	@$(MAKE) -s $(SITE_PAGES)

run-pictures: site-pages
	@$(PICTURE) write $(PICTURED)

# A server's run depends on clients and on real time. A piece of one is kept in
# its lesson: handlers FROM to TO, in the order in which they end. Look at what
# the picture shows then, and at what the README says of it.
#: record      keep a piece of LESSON=10's run for its picture, FROM=0 TO=8
record: $(LESSON:%=trace%)
	@$(if $(and $(LESSON),$(FROM),$(TO)),:,echo 'Say which lesson and which' \
	  'handlers: make record LESSON=10 FROM=0 TO=8' >&2; exit 2)
	$(Q)awk -v from=$(FROM) -v to=$(TO) -f docs/trace/cut.awk \
	  build/trace/$(call name,$(LESSON)).json >build/run.json
	$(Q)mv build/run.json $(DIR_$(LESSON))/

# Handlers that were recorded have to be there still.
test-recorded:
	@for run in lessons/*/run.json; do \
	  sed -n 's/.*"name":"\([a-z_0-9]*\)","cat":"handler".*/\1/p' $$run | sort -u | \
	    while read -r name; do grep -qw "$$name" lessons/*/*.c common/*.c || { \
	    echo "$$run:1: stale: there is no $$name any more: try" \
	      '`make record LESSON=n FROM=a TO=b`' >&2; exit 1; }; done || exit 1; done

test-run-pictures: site-pages test-recorded
	@$(PICTURE) check $(PICTURED)

#: test-page   is on a page what the trace has?
test-page:
	@sh tests/test_page.sh

# The same in a browser, which docs.mk has.
test-page-browser: site-pages
	@CHROMIUM=$$(command -v $(CHROMIUM)) node docs/trace/test_page.mjs build/docs/trace
