/* label.c: the answer to a command that carries a label. It says so: as a tag
 * of its one line, or of the batch that its lines make, or of an ACK when there
 * are none. Which of these it is shows at the end, so its lines are kept until
 * then, as lines of a batch. */
#include "lesson.h"
#include "message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL_MOST = 64 };

struct label {
  char text[sizeof "label=" + LABEL_MOST];
  char
      batch[40]; /* "batch=7": each line of the answer begins with "@batch=7" */
  FILE *file;    /* writes lines */
  char *lines;
  size_t size, count;
};

void label_begin(struct user *asker, const struct line *line) {
  unsigned need = CAP_LABEL | CAP_BATCH;
  struct span span = line_tag(line, "label");
  if ((asker->caps & need) != need || line->fault == LINE_NO_TEXT || !span.at ||
      span.size == 0 || span.size > LABEL_MOST)
    return;
  struct label *label = lesson_alloc(sizeof *label);
  *label = (struct label){.count = 0};
  label->file = open_memstream(&label->lines, &label->size);
  if (!label->file)
    lesson_must("answer", UV_ENOMEM);
  snprintf(label->text, sizeof label->text, "label=%.*s", (int)span.size,
           span.at);
  snprintf(label->batch, sizeof label->batch, "batch=%llx",
           ++asker->hall->messages);
  asker->hall->label = label;
}

bool label_take(struct user *to, struct message *message) {
  struct label *label = to->hall->label;
  if (!label || to != to->hall->asker)
    return false;
  label->count++;
  message_write(message, label->batch, to->caps, label->file);
  return true;
}

/* One line: the label takes the place of the batch. */
static void put_line(struct user *to, const struct label *label) {
  size_t behind = 1 + strlen(label->batch);
  char at[1 + sizeof label->text];
  int size = snprintf(at, sizeof at, "@%s", label->text);
  user_put_bytes(to, at, (size_t)size);
  user_put_bytes(to, label->lines + behind, label->size - behind);
}

static void put_tagged(struct user *to, const struct label *label,
                       const char *what) {
  char line[LINE_MOST];
  int size = snprintf(line, sizeof line, "@%s :%s %s\r\n", label->text,
                      to->hall->rules.name, what);
  user_put_bytes(to, line, (size_t)size);
}

static void put_batch(struct user *to, const struct label *label) {
  const char *name = label->batch + strlen("batch=");
  char line[LINE_MOST];
  snprintf(line, sizeof line, "BATCH +%s labeled-response", name);
  put_tagged(to, label, line);
  user_put_bytes(to, label->lines, label->size);
  int size = snprintf(line, sizeof line, ":%s BATCH -%s\r\n",
                      to->hall->rules.name, name);
  user_put_bytes(to, line, (size_t)size);
}

void label_end(struct user *asker) {
  struct label *label = label_pause(asker->hall);
  if (!label)
    return;
  fclose(label->file);
  if (label->count == 0)
    put_tagged(asker, label, "ACK");
  else if (label->count == 1)
    put_line(asker, label);
  else
    put_batch(asker, label);
  free(label->lines);
  free(label);
}

struct label *label_pause(struct hall *hall) {
  struct label *label = hall->label;
  hall->label = NULL;
  return label;
}

void label_resume(struct hall *hall, struct label *label) {
  hall->label = label;
}
