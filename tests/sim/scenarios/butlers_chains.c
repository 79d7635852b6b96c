/* Butlers and long chains of short handlers: one of two butlers may step aside
 * then, and has to be back when the other one blocks.
 *
 * Each chain is longer than a round. The last link of one chain blocks until
 * the handler that it has posted before opens the gate. */
#include "gate.h"

enum { LINKS = 270, CHAINS = 2 };

static ax_context *context;
static struct gate gate = GATE;

struct chain {
  ax_executor *executor;
  int links;
  bool blocks; /* at its end */
};

static struct chain chains[CHAINS];

static void on_open(void *arg, int err, size_t n) { gate_open(&gate); }

static void on_link(void *arg, int err, size_t n) {
  struct chain *chain = arg;
  if (++chain->links < LINKS) {
    ax_post(chain->executor, ax_call(on_link, chain));
  } else if (chain->blocks) {
    ax_post(context, ax_call(on_open, NULL));
    gate_pass(&gate);
  }
}

static void begin_chain(int i, ax_executor *executor, bool blocks) {
  chains[i] = (struct chain){executor, 0, blocks};
  ax_post(executor, ax_call(on_link, &chains[i]));
}

static void serve_chains(void) {
  serve(context, 2);
  for (int i = 0; i < CHAINS; i++)
    CHECK(chains[i].links == LINKS);
}

SCENARIO(butlers_chains, "a butler who stepped aside is back when a handler at "
                         "the end of a chain blocks") {
  context = ax_context_new();
  for (int i = 0; i < CHAINS; i++)
    begin_chain(i, context, i == 0);
  serve_chains();
  end(context);
}

SCENARIO(butlers_strand_chains, "a butler who stepped aside is back when a "
                                "handler on a strand blocks") {
  context = ax_context_new();
  for (int i = 0; i < CHAINS; i++) {
    ax_strand *strand = ax_strand_new(context);
    begin_chain(i, strand, i == 0);
    ax_unref(strand);
  }
  serve_chains();
  end(context);
}

/* Blocks beside a chain, whose end lets it go. */
static void on_block(void *arg, int err, size_t n) { gate_pass(&gate); }

/* Looks at the chain, which one butler runs, until that has come to its end. */
static void on_look(void *arg, int err, size_t n) {
  if (atomic_load((atomic_int *)arg) < LINKS)
    ax_post(context, ax_call(on_look, arg));
  else
    gate_open(&gate);
}

static void on_count(void *arg, int err, size_t n) {
  if (atomic_fetch_add((atomic_int *)arg, 1) + 1 < LINKS)
    ax_post(context, ax_call(on_count, arg));
}

SCENARIO(butlers_chain_beside, "chains of short handlers go on beside a "
                               "handler that blocks") {
  atomic_int count = 0;
  context = ax_context_new();
  ax_post(context, ax_call(on_block, NULL));
  ax_post(context, ax_call(on_count, &count));
  ax_post(context, ax_call(on_look, &count));
  serve(context, 2);
  CHECK(count == LINKS);
  end(context);
}
