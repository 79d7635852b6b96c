/* label.c: the answer to a command that carries a label. It says so: as a tag
 * of its one line, or of the batch that its lines make, or of an ACK when there
 * are none. Which of these it is shows with the second line, so the first one
 * waits for that, or for the end. */
#include "message.h"

#include <stdio.h>
#include <string.h>

void label_begin(struct user *asker, const struct line *line) {
  struct label *label = &asker->hall->label;
  unsigned need = CAP_LABEL | CAP_BATCH;
  struct span span = line_tag(line, "label");
  label->open = (asker->caps & need) == need && line->fault != LINE_NO_TEXT &&
                span.size > 0 && span.size <= LABEL_MOST;
  label->count = 0;
  if (label->open)
    snprintf(label->tag, sizeof label->tag, "label=%.*s", (int)span.size,
             span.at);
}

/* A line with one more tag in front, unless that is "". */
static void put_tagged(struct user *to, const char *tag, const char *line,
                       size_t size) {
  char head[sizeof to->hall->label.tag + 2];
  bool tags = *line == '@';
  if (!*tag) {
    user_put_bytes(to, line, size);
    return;
  }
  int length = snprintf(head, sizeof head, "@%s%c", tag, tags ? ';' : ' ');
  user_put_bytes(to, head, (size_t)length);
  user_put_bytes(to, line + tags, size - tags);
}

/* A line of the server's own. */
static void put_words(struct user *to, const char *tag, const char *words) {
  char line[LINE_MOST];
  int size =
      snprintf(line, sizeof line, ":%s %s\r\n", to->hall->rules.name, words);
  put_tagged(to, tag, line, (size_t)size);
}

static void open_batch(struct user *to, struct label *label) {
  char words[64];
  snprintf(label->batch, sizeof label->batch, "batch=%llx",
           ++to->hall->messages);
  snprintf(words, sizeof words, "BATCH +%s labeled-response",
           label->batch + strlen("batch="));
  put_words(to, label->tag, words);
  put_tagged(to, label->batch, label->first, label->size);
}

bool label_take(struct user *to, const struct message *message) {
  struct label *label = &to->hall->label;
  char line[MESSAGE_ROOM];
  if (!label->open || to != to->hall->asker)
    return false;
  if (label->count++ == 0) {
    label->size = message_text(message, to->caps, label->first);
    return true;
  }
  if (label->count == 2)
    open_batch(to, label);
  size_t size = message_text(message, to->caps, line);
  put_tagged(to, message->batch ? "" : label->batch, line, size);
  return true;
}

void label_end(struct user *asker) {
  struct label *label = &asker->hall->label;
  char words[64];
  if (!label->open)
    return;
  label->open = false;
  if (label->count == 0) {
    put_words(asker, label->tag, "ACK");
  } else if (label->count == 1) {
    put_tagged(asker, label->tag, label->first, label->size);
  } else {
    snprintf(words, sizeof words, "BATCH -%s", label->batch + strlen("batch="));
    put_words(asker, "", words);
  }
}
