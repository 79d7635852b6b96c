/* Lesson 15: Python answers; it is asked in three ways, of which one leaves the
 * butlers free; what goes wrong in Python goes to who asked, and to the log. */
#include "peers.h"

#include "../../lessons/12-framing/linger.c" // NOLINT

/* Memory for requests, which may have run out. */
static bool no_memory;
static void *scarce(size_t size) { return no_memory ? NULL : malloc(size); }

#define ask ask_python
#define malloc(size) scarce(size)
#include "../../lessons/15-shared-resource/customer.c" // NOLINT
#undef malloc
#undef ask

#define DIR "lessons/15-shared-resource"
#define APP DIR "/app.py"
#define TCP "127.0.0.1:0"

static const char *const ways[] = {"blocking", "wrapped", "strand"};
enum { WAYS = 3 };

/* What a function of Python's may do. The first word of a request says what. */
static const char script[] =
    "import gc, os, sys, threading, time\n"
    "inside = 0\n"
    "def app(request):\n"
    "    word, _, rest = request.partition(b' ')\n"
    "    return globals()['do_' + word.decode()](rest)\n"
    "def do_(rest): return b''\n"
    "def do_say(rest): return rest\n"
    "def do_fill(rest): return b'x' * int(rest)\n"
    "def do_none(rest): pass\n"
    "def do_int(rest): return 3\n"
    "def do_text(rest): return 'text'\n"
    "def do_raise(rest): raise ValueError(rest.decode())\n"
    "def do_lines(rest): raise ValueError('one\\ntwo\\x1b[2J')\n"
    "def do_odd(rest): raise ValueError('\\udc80')\n"
    "def do_exit(rest): sys.exit(3)\n"
    "def do_deep(rest): return do_deep(rest)\n"
    "class Mute(Exception):\n"
    "    def __str__(self): sys.exit(4)\n"
    "def do_mute(rest): raise Mute\n"
    "def do_print(rest):\n"
    "    print('caf\\u00e9', rest.decode())\n"
    "    return rest\n"
    "def do_wait(gate):\n"
    "    print('waiting')\n"
    "    while not os.path.exists(gate): time.sleep(0.001)\n"
    "    return gate\n"
    "def do_alone(rest):\n"
    "    global inside\n"
    "    inside += 1\n"
    "    time.sleep(0.002)\n"
    "    inside -= 1\n"
    "    return b'%d %d' % (inside, threading.get_ident())\n"
    "def do_count(rest):\n"
    "    gc.collect()\n"
    "    all = [f for n, f in globals().items() if n[:3] in ('app', 'do_')]\n"
    "    references = sum(sys.getrefcount(f) for f in all)\n"
    "    references += sum(sys.getrefcount(f.__code__) for f in all)\n"
    "    return b'%d %d' % (sys.getallocatedblocks(), references)\n"
    "def do_executable(rest): return (sys.executable or '').encode()\n"
    "def do_warn(rest):\n"
    "    print(rest.decode(), file=sys.stderr)\n"
    "    return b''\n"
    "def do_begin(rest):\n"
    "    sys.stderr.write(rest.decode())\n"
    "    return b''\n";

/* -------------------------------------------------------------- servers */

/* The script in a file, and "FILE:FUNCTION" of that. */
static const char *script_app(void) {
  static char app[TEMP_PATH + 8], path[TEMP_PATH];
  if (!*app) {
    temp_path(path, "app.py");
    write_whole_file(path, script);
    snprintf(app, sizeof app, "%s:app", path);
  }
  return app;
}

/* Python at the first endpoint, the echo at the second. `trace` may be NULL. */
static struct server start_app(const char *app, const char *way,
                               const char *trace) {
  struct program_options options = {
      .args = {"--way", way, "--app", app, TCP, TCP}, .trace = trace};
  struct server server = {0};
  server.program = server_start(15, &options, server.endpoint);
  find_endpoint(server.program, 1, server.more[0]);
  server.descriptors = program_descriptors(server.program);
  return server;
}

static struct server start(const char *way) {
  return start_app(script_app(), way, NULL);
}

static void end(struct server *server, long served) {
  end_server(server, "sessions", served);
}

static void end_with_log(struct server *server, long served, const char *log) {
  assert_int_equal(end_server_with(server, SIGTERM, "sessions", log), served);
}

/* -------------------------------------------------------------- clients */

enum { FRAME = 65535 };

static void send_frame(int client, const char *bytes, size_t size) {
  static char frame[FRAME + 2];
  frame[0] = (char)(size >> 8);
  frame[1] = (char)size;
  memcpy(frame + 2, bytes, size);
  client_send(client, frame, size + 2);
}

static void ask(int client, const char *request) {
  send_frame(client, request, strlen(request));
}

static size_t recv_size(int client) {
  unsigned char header[2];
  client_recv(client, header, 2);
  return (size_t)header[0] << 8 | header[1];
}

/* The next answer as a string, good until the next call. */
static const char *answer(int client) {
  static char text[FRAME + 1];
  size_t size = recv_size(client);
  client_recv(client, text, size);
  text[size] = 0;
  return text;
}

static void expect_answer(int client, const char *text) {
  assert_string_equal(answer(client), text);
}

static void converse(int client, const char *request, const char *expected) {
  ask(client, request);
  expect_answer(client, expected);
}

static void visit(const struct server *server) {
  int client = client_connect(server->endpoint);
  converse(client, "say hello", "hello");
  client_close(client);
}

/* A gate that calls of do_wait wait at: a file that is not there yet. */
struct file_gate {
  char path[TEMP_PATH], request[TEMP_PATH + 8];
};

static struct file_gate gate_shut(void) {
  struct file_gate gate;
  temp_path(gate.path, "gate");
  snprintf(gate.request, sizeof gate.request, "wait %s", gate.path);
  return gate;
}

static void gate_lift(const struct file_gate *gate) {
  write_whole_file(gate->path, "");
}

static size_t count_text(const char *text, const char *part) {
  size_t count = 0;
  for (; (text = strstr(text, part)); text++)
    count++;
  return count;
}

/* So many calls are inside Python now. */
static void wait_for_calls(const struct server *server, size_t calls) {
  wait_until(count_text(program_out(server->program), "waiting") == calls);
}

/* ------------------------------------------------------- beginning well */

static void it_says_which_python_it_is(void **state) {
  struct server server = start("strand");
  const char *out = program_out(server.program);
  assert_int_equal(strncmp(out, "Python 3.", 9), 0);
  assert_true(strstr(out, "listening") > strchr(out, '\n'));
  end(&server, 0);
}

static void the_script_beside_it_answers(void **state) {
  static const char *const functions[] = {"shout", "slow", "nap"};
  for (int i = 0; i < WAYS; i++) {
    char app[64];
    snprintf(app, sizeof app, "%s:%s", APP, functions[i]);
    struct server server = start_app(app, ways[i], NULL);
    int client = client_connect(server.endpoint);
    converse(client, "ice", "ICE");
    client_close(client);
    end(&server, 1);
  }
}

static void it_starts_with_that_script_by_itself(void **state) {
  struct program_options options = {.args = {TCP}};
  char endpoint[ENDPOINT_TEXT];
  struct program *program = server_start(15, &options, endpoint);
  int client = client_connect(endpoint);
  converse(client, "ice", "ICE");
  client_close(client);
  server_stop(program);
}

static void a_script_may_do_without_a_path(void **state) {
  char path[TEMP_PATH], line[700];
  temp_path(path, "beside.py");
  write_whole_file(path, "def app(x): return x\n");
  const char *bin = getenv("LESSON_BIN"), *name = strrchr(path, '/') + 1;
  snprintf(line, sizeof line,
           "bin=$(cd \"%s\" && pwd) && cd %.*s && "
           "exec \"$bin\"/lesson15 --app %s:app " TCP,
           bin ? bin : "build/bin", (int)(name - path), path, name);
  char *argv[] = {"/bin/sh", "-c", line, NULL};
  struct program *program = program_exec(argv, NULL);
  program_wait_for(program, "listening");
  server_stop(program);
}

/* Runs `with` while variables that lead Python astray are set: another Python
 * of this version stands first in PATH, and its library is empty. */
static void astray(void (*with)(void)) {
  char dir[TEMP_PATH], line[600];
  temp_path(dir, "other");
  int minor = 0;
  struct server server = start("strand");
  assert_int_equal(sscanf(program_out(server.program), "Python 3.%d", &minor),
                   1);
  end(&server, 0);
  snprintf(line, sizeof line,
           "mkdir -p %s/bin %s/lib/python3.%d/lib-dynload && "
           "touch %s/lib/python3.%d/os.py && "
           "printf '#!/bin/sh\\n' >%s/bin/python3 && chmod +x %s/bin/python3",
           dir, dir, minor, dir, minor, dir, dir);
  assert_int_equal(system(line), 0);
  const char *was = getenv("PATH");
  char *path = strdup(was ? was : "");
  assert_non_null(path);
  snprintf(line, sizeof line, "%s/bin:/bin:/usr/bin", dir);
  setenv("PATH", line, 1);
  setenv("PYTHONHOME", dir, 1);
  setenv("PYTHONPATH", dir, 1);
  setenv("LC_ALL", "C", 1);
  with();
  setenv("PATH", path, 1);
  unsetenv("PYTHONHOME");
  unsetenv("PYTHONPATH");
  unsetenv("LC_ALL");
  free(path);
  snprintf(line, sizeof line, "rm -r %s", dir);
  assert_int_equal(system(line), 0);
}

static void start_and_print(void) {
  struct server server = start("strand");
  int client = client_connect(server.endpoint);
  converse(client, "print at once", "at once");
  program_wait_for(server.program, "caf\xc3\xa9 at once\n");
  client_close(client);
  end_server_with(&server, SIGTERM, "sessions", "");
}

static void no_environment_leads_it_astray(void **state) {
  astray(start_and_print);
}

/* The version that another program says it is. */
static void expect_version(const char *python, const char *expected) {
  char line[600], version[64] = "";
  assert_true(strlen(python) < 500);
  sprintf(line, "'%.500s' -I --version", python);
  FILE *pipe = popen(line, "r");
  assert_non_null(pipe);
  assert_non_null(fgets(version, sizeof version, pipe));
  assert_int_equal(pclose(pipe), 0);
  size_t length = strcspn(version, "\n");
  if (strncmp(version, expected, length) != 0 || expected[length] != ' ')
    give_up("%s is %s, not %s", python, version, expected);
}

/* Which a script starts to have more of its kind; not this server. */
static void expect_executable(void) {
  struct server server = start("strand");
  int client = client_connect(server.endpoint);
  ask(client, "executable");
  char python[FRAME + 1];
  strcpy(python, answer(client));
  assert_null(strstr(python, "lesson15"));
  if (*python) /* the library may be there without it */
    expect_version(python, program_out(server.program));
  client_close(client);
  end(&server, 1);
}

static void sys_executable_is_the_python_that_answers(void **state) {
  expect_executable();
  astray(expect_executable);
}

/* Also one that is called app.py, as the lesson's own is. */
static void files_beside_the_script_can_be_imported(void **state) {
  char dir[TEMP_PATH], path[TEMP_PATH + 16], app[TEMP_PATH + 24];
  temp_path(dir, "beside");
  assert_int_equal(mkdir(dir, 0700), 0);
  snprintf(path, sizeof path, "%s/app.py", dir);
  write_whole_file(path,
                   "import mine\ndef twice(x): return mine.once(x) * 2\n");
  snprintf(path, sizeof path, "%s/mine.py", dir);
  write_whole_file(path, "def once(x): return x\n"
                         "import app\ndef ask(x): return app.twice(x)\n");
  snprintf(app, sizeof app, "%s:ask", path);
  struct server server = start_app(app, "strand", NULL);
  int client = client_connect(server.endpoint);
  converse(client, "ice", "iceice");
  client_close(client);
  end(&server, 1);
  unlink(path);
  snprintf(path, sizeof path, "%s/app.py", dir);
  unlink(path);
  assert_int_equal(rmdir(dir), 0); /* nothing was put there */
}

static void a_script_may_be_called_as_a_module_of_pythons(void **state) {
  char dir[TEMP_PATH], path[TEMP_PATH + 16], app[TEMP_PATH + 24];
  temp_path(dir, "taken");
  assert_int_equal(mkdir(dir, 0700), 0);
  snprintf(path, sizeof path, "%s/time.py", dir);
  write_whole_file(path, "import time\n"
                         "def app(x): return b'%d' % (time.time() > 0)\n");
  snprintf(app, sizeof app, "%s:app", path);
  struct server server = start_app(app, "strand", NULL);
  int client = client_connect(server.endpoint);
  converse(client, "", "1");
  client_close(client);
  end(&server, 1);
  unlink(path);
  rmdir(dir);
}

/* What a client sent is printed, and no terminal obeys it. */
static void what_python_prints_is_escaped(void **state) {
  struct server server = start("strand");
  int client = client_connect(server.endpoint);
  converse(client, "print \x1b[2J\tone\r\ntwo", "\x1b[2J\tone\r\ntwo");
  converse(client,
           "warn closed\x1b[2J\nan\xc2\x9b"
           "other",
           "");
  program_wait_for(server.program, "two\n");
  assert_non_null(strstr(program_out(server.program),
                         "caf\xc3\xa9 \\x1b[2J\tone\\x0d\ntwo\n"));
  client_close(client);
  end_with_log(&server, 1, "closed\\x1b[2J\nan\\xc2\\x9bother\n");
}

/* A NUL hides nothing, and the last line needs no end. */
static void what_python_logs_is_whole(void **state) {
  struct server server = start("strand");
  int client = client_connect(server.endpoint);
  send_frame(client, "warn a\0b", 8);
  expect_answer(client, "");
  converse(client, "begin and no more", "");
  client_close(client);
  end_with_log(&server, 1, "a\\x00b\nand no more\n");
}

/* --------------------------------------------------------------- frames */

static void expect_filled(int client, size_t size) {
  static char expected[FRAME];
  memset(expected, 'x', size);
  assert_int_equal(recv_size(client), size);
  client_expect(client, expected, size);
}

static void expect_fill(int client, size_t size) {
  char request[32];
  snprintf(request, sizeof request, "fill %zu", size);
  ask(client, request);
  expect_filled(client, size);
}

static void frames_of_all_sizes_are_answered(void **state) {
  static char request[FRAME + 1] = "say ";
  memset(request + 4, 'y', FRAME - 4);
  for (int i = 0; i < WAYS; i++) {
    struct server server = start(ways[i]);
    int client = client_connect(server.endpoint);
    converse(client, "", "");
    converse(client, "say ", "");
    converse(client, "say x", "x");
    converse(client, request, request + 4);
    expect_fill(client, 255);
    expect_fill(client, 256);
    expect_fill(client, FRAME);
    converse(client, "say still here", "still here");
    client_close(client);
    end(&server, 1);
  }
}

static void a_request_may_come_byte_by_byte(void **state) {
  static const char frame[] = "\0\tsay hello";
  for (int i = 0; i < WAYS; i++) {
    struct server server = start(ways[i]);
    int client = client_connect(server.endpoint);
    for (size_t k = 0; k < sizeof frame - 1; k++)
      client_send(client, frame + k, 1);
    expect_answer(client, "hello");
    client_close(client);
    end(&server, 1);
  }
}

static void requests_in_one_piece_are_answered_in_order(void **state) {
  for (int i = 0; i < WAYS; i++) {
    struct server server = start(ways[i]);
    int client = client_connect(server.endpoint);
    client_send(client, "\0\007say one\0\007say two\0\0\0\007say six", 29);
    expect_answer(client, "one");
    expect_answer(client, "two");
    expect_answer(client, "");
    expect_answer(client, "six");
    client_half_close(client);
    client_expect_end(client);
    client_close(client);
    end(&server, 1);
  }
}

static void the_other_endpoint_is_an_echo(void **state) {
  struct server server = start("strand");
  int client = client_connect(server.more[0]);
  converse(client, "raise nothing", "raise nothing");
  converse(client, "", "");
  client_close(client);
  end(&server, 1);
}

/* ------------------------------------------------------------ who waits */

enum { CROWD = 8 };

static void crowd_asks(const struct server *server, int *clients,
                       const char *request) {
  for (int i = 0; i < CROWD; i++) {
    clients[i] = client_connect(server->endpoint);
    ask(clients[i], request);
  }
}

static void crowd_gets(const int *clients, const char *expected) {
  for (int i = 0; i < CROWD; i++) {
    expect_answer(clients[i], expected);
    client_close(clients[i]);
  }
}

/* Two butlers, both in Python until the gate is lifted: no echo comes. */
static void expect_stall(const char *way) {
  struct server server = start(way);
  struct file_gate gate = gate_shut();
  int clients[CROWD], echo = client_connect(server.more[0]);
  converse(echo, "before", "before");
  crowd_asks(&server, clients, gate.request);
  wait_for_calls(&server, 2);
  ask(echo, "meanwhile");
  assert_false(client_readable(echo, 60));
  assert_int_equal(count_text(program_out(server.program), "waiting"), 2);
  gate_lift(&gate);
  crowd_gets(clients, gate.path);
  expect_answer(echo, "meanwhile");
  client_close(echo);
  end(&server, CROWD + 1);
}

static void blocking_stalls_an_echo(void **state) { expect_stall("blocking"); }

static void wrapped_stalls_it_as_well(void **state) { expect_stall("wrapped"); }

static void on_the_strand_an_echo_does_not_wait(void **state) {
  struct server server = start("strand");
  struct file_gate gate = gate_shut();
  int clients[CROWD], echo = client_connect(server.more[0]);
  crowd_asks(&server, clients, gate.request);
  wait_for_calls(&server, 1);
  for (int i = 0; i < 100; i++)
    converse(echo, "meanwhile", "meanwhile");
  for (int i = 0; i < CROWD; i++)
    assert_false(client_readable(clients[i], 0));
  assert_int_equal(count_text(program_out(server.program), "waiting"), 1);
  gate_lift(&gate);
  crowd_gets(clients, gate.path);
  client_close(echo);
  end(&server, CROWD + 1);
}

/* Python lets go of its lock while it sleeps; the strand does not care. */
static void on_the_strand_one_call_is_inside_at_a_time(void **state) {
  struct server server = start("strand");
  int clients[CROWD];
  unsigned long thread, first = 0;
  crowd_asks(&server, clients, "alone");
  for (int i = 0; i < CROWD; i++) {
    long others;
    assert_int_equal(sscanf(answer(clients[i]), "%ld %lu", &others, &thread),
                     2);
    assert_int_equal(others, 0);
    assert_true(i == 0 || thread == first);
    first = thread;
    client_close(clients[i]);
  }
  end(&server, CROWD);
}

/* -------------------------------------------------------------- the trace */

static struct trace *traced(const char *way) {
  char path[TEMP_PATH];
  temp_path(path, "trace.json");
  struct server server = start_app(script_app(), way, path);
  int clients[CROWD];
  crowd_asks(&server, clients, "alone");
  for (int i = 0; i < CROWD; i++) {
    answer(clients[i]);
    client_close(clients[i]);
  }
  end(&server, CROWD);
  return trace_load(path);
}

/* The executor that is a strand, and how many handlers it has run. */
static size_t on_strands(struct trace *trace, const char **strand, int *tid) {
  size_t count = 0;
  for (size_t i = 0; i < trace->slice_count; i++) {
    if (strncmp(trace->slices[i].on, "strand", 6) != 0)
      continue;
    *strand = trace->slices[i].on;
    *tid = trace->slices[i].tid;
    count++;
  }
  return count;
}

/* A handler on a context takes less than the 2 ms of a call, on the whole. */
static double median_of(struct trace *trace, const char *name) {
  double spans[CROWD];
  for (size_t i = 0; i < CROWD; i++) {
    spans[i] = trace_find(trace, name, "context 1", i)->dur;
    for (size_t k = i; k > 0 && spans[k] < spans[k - 1]; k--) {
      double span = spans[k];
      spans[k] = spans[k - 1];
      spans[k - 1] = span;
    }
  }
  return spans[CROWD / 2];
}

static void blocking_asks_in_the_handler(void **state) {
  struct trace *trace = traced("blocking");
  assert_true(median_of(trace, "on_request") >= 2000);
  assert_int_equal(trace_count(trace, "on_answer", NULL), 0);
  trace_free(trace);
}

static void wrapped_asks_in_the_handler_too(void **state) {
  struct trace *trace = traced("wrapped");
  assert_true(median_of(trace, "on_request") >= 2000);
  assert_int_equal(trace_count(trace, "on_answer", "context 1"), CROWD);
  assert_true(median_of(trace, "on_answer") < 2000);
  trace_free(trace);
}

static void the_strand_goes_there_and_back(void **state) {
  struct trace *trace = traced("strand");
  const char *strand = NULL;
  int tid = 0;
  assert_int_equal(on_strands(trace, &strand, &tid), CROWD);
  assert_int_equal(trace_count(trace, "on_answer", strand), CROWD);
  assert_int_equal(trace_count(trace, "on_answer", "context 1"), CROWD);
  assert_int_equal(trace_overlaps(trace, strand), 0);
  for (size_t i = 0; i < CROWD; i++) {
    assert_int_equal(trace_find(trace, "on_answer", strand, i)->tid, tid);
    assert_true(trace_find(trace, "on_answer", strand, i)->dur >= 2000);
  }
  for (size_t i = 0; i < trace->slice_count; i++)
    if (strcmp(trace->slices[i].on, "context 1") == 0)
      assert_int_not_equal(trace->slices[i].tid, tid);
  assert_true(median_of(trace, "on_request") < 2000);
  assert_true(median_of(trace, "on_answer") < 2000);
  trace_free(trace);
}

/* ----------------------------------------------------------- what goes wrong
 */

static const struct {
  const char *request, *log;
} wrong[] = {
    {"raise no ice", "{*}app.py:12: ValueError: no ice"},
    {"raise ", "{*}app.py:12: ValueError"},
    {"nonsense", "{*}app.py:5: KeyError: 'do_nonsense'"},
    {"lines", "{*}app.py:13: ValueError: one\\x0atwo\\x1b[2J"},
    {"odd", "{*}app.py:14: ValueError"},
    {"exit", "{*}app.py:15: SystemExit: 3"},
    {"mute", "{*}app.py:19: Mute"},
    {"deep", "{*}app.py:16: RecursionError: {*}"},
    {"none", "app() returned NoneType, not bytes"},
    {"int", "app() returned int, not bytes"},
    {"text", "app() returned str, not bytes"},
    {"fill 65536", "app() returned 65536 bytes, and 65535 can be sent"},
    {"fill 9000000", "app() returned 9000000 bytes, and 65535 can be sent"},
};
enum { WRONG = sizeof wrong / sizeof *wrong };

/* Who asks for it gets the end, the log the reason, and others are served. */
static void what_goes_wrong_ends_one_connection(void **state) {
  for (int i = 0; i < WAYS; i++) {
    struct server server = start(ways[i]);
    char log[4096] = "";
    int other = client_connect(server.endpoint);
    for (size_t k = 0; k < WRONG; k++) {
      int client = client_connect(server.endpoint);
      converse(client, "say good", "good");
      ask(client, wrong[k].request);
      client_expect_end(client);
      client_close(client);
      converse(other, "say me", "me");
      size_t used = strlen(log);
      snprintf(log + used, sizeof log - used, "closed 127.0.0.1:{*}: %s\n",
               wrong[k].log);
    }
    client_close(other);
    end_with_log(&server, WRONG + 1, log);
  }
}

/* A NUL in an exception, and a script whose path is longer than the line. */
static void an_exception_is_logged_whatever_is_in_it(void **state) {
  char dirs[TEMP_PATH], path[TEMP_PATH + 270], app[sizeof path + 8];
  char name[201] = {0};
  memset(name, 'd', 200);
  temp_path(dirs, "long");
  snprintf(path, sizeof path, "%s/%s", dirs, name);
  assert_int_equal(mkdir(dirs, 0700) || mkdir(path, 0700), 0);
  snprintf(path, sizeof path, "%s/%s/app.py", dirs, name);
  write_whole_file(path, script);
  snprintf(app, sizeof app, "%s:app", path);
  struct server server = start_app(app, "strand", NULL);
  int client = client_connect(server.endpoint);
  send_frame(client, "raise a\0b", 9);
  client_expect_end(client);
  client_close(client);
  end_with_log(
      &server, 1,
      "closed 127.0.0.1:{*}: ...{*}d/app.py:12: ValueError: a\\x00b\n");
  unlink(path);
  *strrchr(path, '/') = '\0';
  assert_int_equal(rmdir(path) || rmdir(dirs), 0);
}

/* The answers that came before get through, although most of them have not
 * left yet and more was sent: a reset would throw both away. */
static void answers_before_it_arrive(void **state) {
  static const char more[50000];
  for (int i = 0; i < WAYS; i++) {
    struct server server = start(ways[i]);
    int client = client_connect(server.endpoint);
    for (int k = 0; k < 4; k++)
      ask(client, "fill 65535");
    ask(client, "int");
    client_try_send(client, more, sizeof more);
    program_wait_for_error(server.program, "not bytes");
    client_try_send(client, more, sizeof more);
    for (int k = 0; k < 4; k++)
      expect_filled(client, FRAME);
    client_expect_end(client);
    client_close(client);
    wait_until_empty(&server);
    end_with_log(&server, 1, "closed {*}: app() returned int, not bytes\n");
  }
}

static void who_stays_after_it_does_not_keep_the_server(void **state) {
  struct server server = start("strand");
  int client = client_connect(server.endpoint);
  ask(client, "int");
  client_expect_end(client);
  end_with_log(&server, 1, "closed {*}: app() returned int, not bytes\n");
  client_close(client);
}

/* --------------------------------------------------- scripts that do not load
 */

static void expect_no_start(int status, const char *what, const char *app) {
  expect_refusal(15, status, what, "--app", app, TCP);
}

static void expect_bad_script(const char *text, const char *what) {
  char path[TEMP_PATH], app[TEMP_PATH + 8];
  temp_path(path, "bad.py");
  write_whole_file(path, text);
  snprintf(app, sizeof app, "%s:app", path);
  expect_no_start(1, what, app);
}

static void a_script_that_does_not_load_is_one_clear_line(void **state) {
  expect_bad_script("def app(x) return x\n", "SyntaxError: expected ':'");
  expect_bad_script("\nimport nosuch\n",
                    "bad.py:2: ModuleNotFoundError: No module named 'nosuch'");
  expect_bad_script("import sys\nsys.exit(0)\n", "bad.py:2: SystemExit: 0");
  expect_bad_script("raise ValueError('a\\nb')\n", "ValueError: a\\x0ab");
  expect_bad_script("def other(x): return x\n", "no function 'app'");
  expect_bad_script("app = 3\n", "no function 'app'");
  expect_bad_script("", "no function 'app'");
  expect_bad_script("\xff\xfe", "SyntaxError");
  expect_no_start(1, "/no/such.py: No such file", "/no/such.py:app");
}

static void what_is_no_app_is_wrong_usage(void **state) {
  expect_no_start(2, "--app is FILE:FUNCTION, not app.py", "app.py");
  expect_no_start(2, "--app is FILE:FUNCTION, not :app", ":app");
  expect_no_start(2, "--app is FILE:FUNCTION, not app.py:", "app.py:");
  expect_no_start(2, "--app is FILE:FUNCTION, not ", "");
  expect_no_start(2,
                  "--app is FILE:FUNCTION, and this FILE is a directory: /tmp",
                  "/tmp:app");
  expect_no_start(2, "is a directory: lessons", "lessons:app");
  expect_refusal(15, 2, "--app wants FILE:FUNCTION", TCP, "--app");
}

/* -------------------------------------------------------- who goes early */

static void who_resets_during_a_call_is_forgotten(void **state) {
  for (int i = 0; i < WAYS; i++) {
    struct server server = start(ways[i]);
    struct file_gate gate = gate_shut();
    int clients[CROWD];
    crowd_asks(&server, clients, gate.request);
    wait_for_calls(&server, i == 2 ? 1 : 2);
    for (int k = 0; k < CROWD; k++)
      if (k % 2)
        client_reset(clients[k]);
      else
        client_close(clients[k]);
    gate_lift(&gate);
    visit(&server);
    wait_until_empty(&server);
    end(&server, CROWD + 1);
  }
}

static void who_leaves_within_a_frame_is_forgotten(void **state) {
  static const char frame[] = "\0\tsay hello";
  struct server server = start("strand");
  for (size_t cut = 1; cut < sizeof frame; cut++) {
    int client = client_connect(server.endpoint);
    client_send(client, frame, cut);
    if (cut % 2)
      client_reset(client);
    else
      client_close(client);
  }
  visit(&server);
  wait_until_empty(&server);
  end(&server, sizeof frame);
}

/* A call cannot be cut short; it is the last one then. */
static void sigterm_ends_it_during_a_call(void **state) {
  for (int i = 0; i < WAYS; i++) {
    struct server server = start(ways[i]);
    struct file_gate gate = gate_shut();
    int clients[CROWD];
    crowd_asks(&server, clients, gate.request);
    wait_for_calls(&server, i == 2 ? 1 : 2);
    program_signal(server.program, SIGTERM);
    gate_lift(&gate);
    long served = end_server_with(&server, 0, "sessions", "");
    assert_in_range(served, 1, CROWD);
    for (int k = 0; k < CROWD; k++)
      client_close(clients[k]);
  }
}

/* Signals of two kinds, because two of one kind may come as one. Either may be
 * the second. */
static void a_second_signal_ends_a_call_without_end(void **state) {
  for (int i = 0; i < WAYS; i++) {
    struct server server = start(ways[i]);
    struct file_gate gate = gate_shut();
    int clients[CROWD];
    crowd_asks(&server, clients, gate.request);
    wait_for_calls(&server, i == 2 ? 1 : 2);
    program_signal(server.program, SIGINT);
    program_signal(server.program, SIGTERM);
    int status = program_wait(server.program);
    assert_true(status == 128 + SIGINT || status == 128 + SIGTERM);
    program_free(server.program);
    for (int k = 0; k < CROWD; k++)
      client_close(clients[k]);
  }
}

/* Of the function nothing is needed here: a customer in this process. */
int interpreter_ask(void *question) {
  struct question *q = question;
  q->answer = strdup("yes");
  q->answer_size = 3;
  return 0;
}

static void on_moment(void *context, int err, size_t n) { ax_stop(context); }

static void run_until_readable(ax_context *context, int client) {
  ax_timer *timer = ax_timer_new(context);
  for (double end = deadline(); !client_readable(client, 0);) {
    pause_before(end, "an answer");
    ax_timer_expires_after(timer, AX_MS(1));
    ax_timer_wait(timer, ax_call(on_moment, context));
    ax_run(context);
    ax_restart(context);
  }
  ax_unref(timer);
}

static void no_memory_for_a_request_ends_that_client(void **state) {
  ax_context *context = ax_context_new();
  struct shop shop = {.way = BLOCKING, .executor = context};
  ax_stream *stream = ax_stream_new(context);
  int ends[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  assert_int_equal(ax_stream_open_fd(stream, ends[0]), 0);
  close(ends[0]);
  no_memory = true;
  customer_connected(&shop, ax_stream_new(context)); /* is sent away */
  no_memory = false;
  assert_int_equal(customers_alive, 0);
  customer_connected(&shop, stream);
  ask(ends[1], "?");
  run_until_readable(context, ends[1]);
  expect_answer(ends[1], "yes");
  no_memory = true;
  ask(ends[1], "and once more?");
  run_until_readable(context, ends[1]);
  client_expect_end(ends[1]);
  no_memory = false;
  assert_int_equal(customers_alive, 0);
  client_close(ends[1]);
  ax_context_free(context);
}

/* ------------------------------------------------------------ references */

struct counts {
  long blocks, references;
};

static struct counts count(int client) {
  struct counts counts;
  ask(client, "count");
  assert_int_equal(
      sscanf(answer(client), "%ld %ld", &counts.blocks, &counts.references), 2);
  return counts;
}

enum { ROUNDS = 40 };

/* Every kind of request, and the end of every kind of client. */
static void use_all(const struct server *server) {
  int friend = client_connect(server->endpoint);
  for (int round = 0; round < ROUNDS; round++) {
    converse(friend, "say hello", "hello");
    converse(friend, "", "");
    for (size_t k = 0; k < 12; k += 1) {
      int client = client_connect(server->endpoint);
      ask(client, wrong[k].request);
      client_expect_end(client);
      client_close(client);
    }
    int hasty = client_connect(server->endpoint);
    ask(hasty, "alone");
    client_reset(hasty);
  }
  client_close(friend);
}

/* By Python's own count of its memory: a reference lost in each round, of
 * whatever kind, would be ROUNDS blocks or references more. With ASan Python
 * has no blocks of its own, and LeakSanitizer does the counting. */
static void no_reference_is_lost(void **state) {
  for (int i = 0; i < WAYS; i++) {
    struct server server = start(ways[i]);
    int counter = client_connect(server.endpoint);
    use_all(&server);
    count(counter);
    struct counts before = count(counter);
    use_all(&server);
    struct counts after = count(counter);
    if (labs(after.blocks - before.blocks) >= ROUNDS / 2 ||
        labs(after.references - before.references) >= ROUNDS / 2)
      give_up("%s: %ld blocks and %ld references, then %ld and %ld", ways[i],
              before.blocks, before.references, after.blocks, after.references);
    client_close(counter);
    program_signal(server.program, SIGTERM);
    assert_int_equal(program_wait(server.program), 0);
    closing_line(&server, "sessions");
    program_free(server.program);
  }
}

/* -------------------------------------------------- usage and the demo */

static void wrong_usage_is_refused(void **state) {
  static const char *const mentions[] = {"--butlers",
                                         "--way blocking|wrapped|strand",
                                         "--app FILE:FUNCTION",
                                         "/app.py:slow)",
                                         "ENDPOINT",
                                         NULL};
  expect_usage(15, mentions);
  expect_refusal(15, 2, "blocking|wrapped|strand", "--way", "other");
  expect_same_end(15, DIR, "--help");
  expect_same_end(15, DIR, "--nonsense");
}

/* After Python has started; it is not ended then, and nothing may leak. */
static void a_place_that_does_not_exist_is_refused(void **state) {
  struct program_options options = {.args = {"/no/such/place"}};
  struct program *program = program_run(15, &options, 1);
  assert_int_equal(lines_in(program_err(program)), 1);
  assert_non_null(strstr(program_err(program), "cannot listen on"));
  program_free(program);
}

/* The text without what differs from run to run: a number, with the blanks
 * before it, becomes " N", and a lane of the picture becomes "LANE". */
static char *shape(const char *text) {
  char *copy = calloc(2, strlen(text) + 1), *to = copy;
  assert_non_null(copy);
  while (*text) {
    size_t blanks = strspn(text, " ");
    size_t digits = strspn(text + blanks, "0123456789");
    size_t lane = strspn(text + blanks, "#.e");
    if (lane == 60 || digits)
      to = stpcpy(to, lane == 60 ? " LANE" : " N");
    else
      *to++ = *text;
    text += lane == 60 ? blanks + lane : digits ? blanks + digits : 1;
  }
  return copy;
}

static void expect_shape(const char *path, const char *actual) {
  char *text = read_whole_file(path);
  char *expected_shape = shape(text), *actual_shape = shape(actual);
  char *found = output_difference(expected_shape, actual_shape);
  if (found)
    give_up("%s: %s\n--- the whole output:\n%s", path, found, actual);
  free(expected_shape);
  free(actual_shape);
  free(text);
}

struct row {
  unsigned long answers, echoes;
  double median, most, longest; /* milliseconds */
};

static struct row read_row(const char *text) {
  struct row row;
  if (sscanf(text, "%lu %lu %lf %lf %lf", &row.answers, &row.echoes,
             &row.median, &row.most, &row.longest) != 5)
    give_up("no row of the table: %s", text);
  return row;
}

static struct row row_of(const char *table, const char *way) {
  char begin[64];
  snprintf(begin, sizeof begin, "\n%s ", way);
  const char *at = strstr(table, begin);
  assert_non_null(at);
  return read_row(at + strlen(begin));
}

/* How many columns of the nth lane from `from` on are busy. */
static size_t busy(const char *from, size_t nth) {
  for (; nth > 0; nth--)
    from = strchr(from, '\n') + 1;
  from += strlen("  interpreter ");
  size_t count = 0;
  for (size_t i = 0; i < 60; i++)
    count += from[i] == '#';
  return count;
}

/* Who has calls in hand is busy nearly all the time, who has none hardly. */
static bool is_clear(const char *out) {
  bool clear = true;
  for (int i = 0; i < WAYS; i++) {
    char title[16];
    snprintf(title, sizeof title, "\n%s\n", ways[i]);
    const char *lanes = strstr(out, title);
    assert_non_null(lanes);
    for (size_t butler = 2; butler <= 3; butler++)
      clear &= i == 2 ? busy(lanes, butler) <= 6 : busy(lanes, butler) >= 50;
    clear &= i != 2 || busy(lanes, 4) >= 50;
  }
  return clear;
}

static void program_path(char path[512], const char *name) {
  const char *bin = getenv("LESSON_BIN");
  snprintf(path, 512, "%s/%s", bin ? bin : "build/bin", name);
}

static void expect_success(struct program *program, const char *name) {
  if (program_wait(program) != 0)
    give_up("%s failed:\n%s%s", name, program_out(program),
            program_err(program));
  assert_string_equal(program_err(program), "");
}

/* What the function takes, in milliseconds. */
static const double CALL = 50;

/* A slower build proves no more than that nobody waits for a call. */
static bool is_quick(struct row strand) {
  if (SANITIZED)
    return strand.median < CALL / 10 && strand.most < CALL;
  return strand.most < CALL / 10;
}

/* The longest, in seconds, that a nap of a millisecond took. There is no
 * deadline, for it may be long: the alarm ends a demo that hangs. */
static double longest_nap_beside(struct program *program) {
  double longest = 0, now;
  for (double last = seconds(); program_is_alive(program); last = now) {
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    now = seconds();
    longest = now - last > longest ? now - last : longest;
  }
  return longest;
}

/* Whether this run of the demo shows it, as a machine may not that is busy with
 * other things. What does not depend on that has to be there. */
static bool demo_shows_it(char *const argv[], int *stood_still) {
  struct program *demo = program_exec(argv, NULL);
  *stood_still += longest_nap_beside(demo) * 1000 > CALL;
  expect_success(demo, argv[0]);
  const char *out = program_out(demo);
  expect_shape(DIR "/expected.txt", out);
  assert_true(row_of(out, "blocking").longest >= CALL);
  assert_true(row_of(out, "wrapped").longest >= CALL);
  bool shown = is_clear(out) && is_quick(row_of(out, "strand"));
  if (!shown)
    print_message("not shown by this run:\n%s\n", out);
  program_free(demo);
  return shown;
}

/* It has five chances; on a machine that stood still in three of them it is
 * skipped, for nobody can show it there. */
static void the_demo_shows_who_waits(void **state) {
  char path[512];
  int stood_still = 0;
  program_path(path, "lesson15");
  char *argv[] = {"/bin/sh", DIR "/demo.sh", path, NULL};
  for (int chances = 5; !demo_shows_it(argv, &stood_still);) {
    if (stood_still == 3)
      skip();
    assert_int_not_equal(--chances, 0);
  }
}

/* The numbers that the lesson shows keep the promise as well. */
static void the_numbers_in_the_text_show_it(void **state) {
  char *text = read_whole_file(DIR "/expected.txt");
  assert_true(row_of(text, "blocking").longest >= CALL);
  assert_true(row_of(text, "wrapped").longest >= CALL);
  assert_true(row_of(text, "strand").most < CALL / 10);
  free(text);
}

int main(void) {
  with_alarm();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_says_which_python_it_is),
      cmocka_unit_test(the_script_beside_it_answers),
      cmocka_unit_test(it_starts_with_that_script_by_itself),
      cmocka_unit_test(a_script_may_do_without_a_path),
      cmocka_unit_test(no_environment_leads_it_astray),
      cmocka_unit_test(sys_executable_is_the_python_that_answers),
      cmocka_unit_test(files_beside_the_script_can_be_imported),
      cmocka_unit_test(a_script_may_be_called_as_a_module_of_pythons),
      cmocka_unit_test(what_python_prints_is_escaped),
      cmocka_unit_test(what_python_logs_is_whole),
      cmocka_unit_test(frames_of_all_sizes_are_answered),
      cmocka_unit_test(a_request_may_come_byte_by_byte),
      cmocka_unit_test(requests_in_one_piece_are_answered_in_order),
      cmocka_unit_test(the_other_endpoint_is_an_echo),
      cmocka_unit_test(blocking_stalls_an_echo),
      cmocka_unit_test(wrapped_stalls_it_as_well),
      cmocka_unit_test(on_the_strand_an_echo_does_not_wait),
      cmocka_unit_test(on_the_strand_one_call_is_inside_at_a_time),
      cmocka_unit_test(blocking_asks_in_the_handler),
      cmocka_unit_test(wrapped_asks_in_the_handler_too),
      cmocka_unit_test(the_strand_goes_there_and_back),
      cmocka_unit_test(what_goes_wrong_ends_one_connection),
      cmocka_unit_test(an_exception_is_logged_whatever_is_in_it),
      cmocka_unit_test(answers_before_it_arrive),
      cmocka_unit_test(who_stays_after_it_does_not_keep_the_server),
      cmocka_unit_test(a_script_that_does_not_load_is_one_clear_line),
      cmocka_unit_test(what_is_no_app_is_wrong_usage),
      cmocka_unit_test(who_resets_during_a_call_is_forgotten),
      cmocka_unit_test(who_leaves_within_a_frame_is_forgotten),
      cmocka_unit_test(sigterm_ends_it_during_a_call),
      cmocka_unit_test(a_second_signal_ends_a_call_without_end),
      clean_test(no_memory_for_a_request_ends_that_client),
      cmocka_unit_test(no_reference_is_lost),
      cmocka_unit_test(wrong_usage_is_refused),
      cmocka_unit_test(a_place_that_does_not_exist_is_refused),
      cmocka_unit_test(the_numbers_in_the_text_show_it),
      cmocka_unit_test(the_demo_shows_who_waits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
