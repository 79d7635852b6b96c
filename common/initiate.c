/* initiate.c: operations of the user's own. They end with their context. */
#include "context.h"
#include "op.h"

struct own {
  ax_op op;
  struct ax__member member;
};

static struct ax__loop *loop_of(const struct own *own) {
  return &own->op.executor->context->loop;
}

static void shut(struct ax__member *member) {
  struct own *own = AX__OF(struct own, member, member);
  own->op.entry.run(&own->op.entry, false);
}

ax_op *ax_initiate(ax_executor *executor, ax_token token) {
  ax_executor *on = token.executor ? token.executor : executor;
  struct own *own = ax__op_begin(sizeof *own, on, NULL, token);
  own->member.shut = shut;
  ax__op_pend(&own->op);
  ax__loop_join(loop_of(own), &own->member);
  return &own->op;
}

void ax_complete(ax_op *op, int err, size_t n) {
  struct own *own = (struct own *)op;
  ax__loop_leave(loop_of(own), &own->member);
  ax__op_finish_outside(op, err, n);
}
