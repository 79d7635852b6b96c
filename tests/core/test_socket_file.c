/* The file of a Unix socket: whose it is, and who may remove it. */
#include "porch.h"

#include <sys/file.h>
#include <sys/stat.h>

static bool exists(const char *path) {
  struct stat status;
  return lstat(path, &status) == 0;
}

static void a_stale_socket_file_is_replaced(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "stale");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(bind(fd, (void *)&address, sizeof address), 0);
  listen(fd, 1);
  close(fd);
  assert_true(exists(path));
  struct porch porch = porch_on(path);
  client_close(client_connect(path));
  porch_free(&porch);
}

static void a_live_socket_file_is_left_alone(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "live");
  struct porch one = porch_on(path), two;
  for (int i = 0; i < 2; i++) {
    assert_int_equal(porch_try(&two, path), UV_EADDRINUSE);
    porch_free(&two);
    assert_true(exists(path));
    client_close(client_connect(path));
  }
  porch_free(&one);
}

static void a_file_that_is_no_socket_is_left_alone(void **state) {
  char path[TEMP_PATH];
  struct porch porch;
  temp_path(path, "precious");
  write_whole_file(path, "precious");
  assert_int_equal(porch_try(&porch, path), UV_EADDRINUSE);
  porch_free(&porch);
  char *text = read_whole_file(path);
  assert_string_equal(text, "precious");
  free(text);
}

static void close_removes_the_file(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "closed");
  struct porch porch = porch_on(path);
  assert_true(exists(path));
  ax_acceptor_close(porch.acceptor);
  ax_run(porch.context);
  assert_false(exists(path));
  porch_free(&porch);
}

static void the_last_reference_removes_the_file(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "released");
  struct porch porch = porch_on(path);
  porch_free(&porch);
  assert_false(exists(path));
}

/* ------------------------------------------------------------ it is its own */

enum ending { CLOSE, UNREF, FREE, ENDINGS };

/* Ends the acceptor; the porch is still to be freed. */
static void end_acceptor(struct porch *porch, enum ending ending) {
  if (ending == CLOSE)
    ax_acceptor_close(porch->acceptor);
  if (ending == UNREF) {
    ax_unref(porch->acceptor);
    porch->acceptor = NULL;
  }
  if (ending == FREE) {
    ax_context_free(porch->context);
    porch->context = NULL;
  }
}

static void every_end_removes_the_file(void **state) {
  for (enum ending ending = 0; ending < ENDINGS; ending++) {
    char path[TEMP_PATH];
    temp_path(path, "own");
    struct porch porch = porch_on(path);
    end_acceptor(&porch, ending);
    assert_false(exists(path));
    assert_int_equal(client_try_connect(path), -1);
    porch_free(&porch);
  }
}

/* Somebody removes the file, and another server takes its place. */
static void the_file_of_a_successor_stays(void **state) {
  for (enum ending ending = 0; ending < ENDINGS; ending++) {
    char path[TEMP_PATH];
    temp_path(path, "successor");
    struct porch one = porch_on(path);
    unlink(path);
    struct porch two = porch_on(path);
    end_acceptor(&one, ending);
    porch_free(&one);
    client_close(client_connect(path));
    porch_free(&two);
    assert_false(exists(path));
  }
}

/* What was closed and is removed only now is not its own any more. */
static void an_acceptor_that_was_closed_removes_nothing_later(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "later");
  struct porch one = porch_on(path);
  ax_acceptor_close(one.acceptor);
  struct porch two = porch_on(path);
  ax_acceptor_close(one.acceptor);
  ax_run(one.context);
  porch_free(&one);
  client_close(client_connect(path));
  porch_free(&two);
}

static void a_file_that_was_put_there_stays(void **state) {
  for (enum ending ending = 0; ending < ENDINGS; ending++) {
    char path[TEMP_PATH];
    temp_path(path, "precious");
    struct porch porch = porch_on(path);
    unlink(path);
    write_whole_file(path, "precious");
    end_acceptor(&porch, ending);
    porch_free(&porch);
    char *text = read_whole_file(path);
    assert_string_equal(text, "precious");
    free(text);
  }
}

static void a_link_that_was_put_there_stays(void **state) {
  char path[TEMP_PATH], moved[TEMP_PATH];
  temp_path(path, "link");
  temp_path(moved, "moved");
  struct porch porch = porch_on(path);
  assert_int_equal(rename(path, moved), 0);
  assert_int_equal(symlink(moved, path), 0);
  porch_free(&porch);
  assert_true(exists(path) && exists(moved));
  unlink(moved);
}

static void a_file_that_is_gone_already_is_no_matter(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "gone");
  struct porch porch = porch_on(path);
  unlink(path);
  porch_free(&porch);
  assert_false(exists(path));
}

/* A directory to be in, and the way back. */
static int enter(char path[TEMP_PATH], const char *name) {
  int back = open(".", O_RDONLY | O_DIRECTORY);
  temp_path(path, name);
  assert_int_equal(mkdir(path, 0700), 0);
  assert_int_equal(chdir(path), 0);
  return back;
}

static void leave(int back) {
  assert_int_equal(fchdir(back), 0);
  close(back);
}

static void in_another_directory_its_own_file_is_removed(void **state) {
  for (enum ending ending = 0; ending < ENDINGS; ending++) {
    char one[TEMP_PATH], two[TEMP_PATH], first[TEMP_PATH + 8];
    int home = enter(one, "one");
    struct porch porch = porch_on("unix:name");
    int back = enter(two, "two");
    struct porch other = porch_on("unix:name");
    snprintf(first, sizeof first, "%s/name", one);
    assert_true(exists(first));
    end_acceptor(&porch, ending);
    porch_free(&porch);
    assert_false(exists(first));
    client_close(client_connect("unix:name"));
    porch_free(&other);
    leave(back);
    leave(home);
    assert_int_equal(rmdir(one), 0);
    assert_int_equal(rmdir(two), 0);
  }
}

static void in_another_directory_a_file_of_its_name_stays(void **state) {
  for (enum ending ending = 0; ending < ENDINGS; ending++) {
    char one[TEMP_PATH], two[TEMP_PATH];
    int home = enter(one, "one");
    struct porch porch = porch_on("unix:name");
    int back = enter(two, "two");
    write_whole_file("name", "precious");
    end_acceptor(&porch, ending);
    porch_free(&porch);
    assert_int_equal(unlink("name"), 0);
    leave(back);
    leave(home);
    assert_int_equal(rmdir(one), 0);
    assert_int_equal(rmdir(two), 0);
  }
}

/* ------------------------------------------------------------ who has it */

static struct sockaddr_un address_of(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strcpy(address.sun_path, path);
  return address;
}

/* A plain socket with that file. */
static int bound(const char *path, int type) {
  struct sockaddr_un address = address_of(path);
  int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
  ends_must(bind(fd, (void *)&address, sizeof address) == 0, path);
  return fd;
}

/* As it is left behind by a server that died. */
static void make_stale(const char *path) { close(bound(path, SOCK_STREAM)); }

static ino_t inode_of(const char *path) {
  struct stat status;
  ends_must(lstat(path, &status) == 0, path);
  return status.st_ino;
}

/* Of any type, and though nobody listens: it is somebody's. */
static void a_socket_that_does_not_listen_is_left_alone(void **state) {
  static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
  for (int i = 0; i < 3; i++) {
    char path[TEMP_PATH];
    struct porch porch;
    temp_path(path, "bound");
    int fd = bound(path, types[i]);
    ino_t inode = inode_of(path);
    assert_int_equal(porch_try(&porch, path), UV_EADDRINUSE);
    porch_free(&porch);
    assert_int_equal(inode_of(path), inode);
    close(fd);
  }
}

static void the_file_of_a_datagram_socket_that_died_is_replaced(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "datagrams");
  close(bound(path, SOCK_DGRAM));
  struct porch porch = porch_on(path);
  client_close(client_connect(path));
  porch_free(&porch);
}

/* A link leads to a file that may be anybody's. */
static void a_link_to_a_stale_file_is_left_alone(void **state) {
  char path[TEMP_PATH], target[TEMP_PATH];
  struct porch porch;
  temp_path(path, "link");
  temp_path(target, "target");
  make_stale(target);
  assert_int_equal(symlink(target, path), 0);
  assert_int_equal(porch_try(&porch, path), UV_EADDRINUSE);
  porch_free(&porch);
  assert_true(exists(path) && exists(target));
}

/* It would be the first in line, if whoever tries had knocked. */
static void who_tries_to_listen_costs_no_session(void **state) {
  char path[TEMP_PATH];
  struct seen seen = {0}, posted = {0};
  temp_path(path, "live");
  struct porch one = porch_on(path), two;
  ax_stream *peer = ax_stream_new(one.context);
  ax_acceptor_accept(one.acceptor, peer, ax_call(on_seen, &seen));
  struct butlers *butlers = butlers_start(one.context, 1);
  for (int i = 0; i < 20; i++) {
    assert_int_equal(porch_try(&two, path), UV_EADDRINUSE);
    porch_free(&two);
  }
  ax_post(one.context, ax_call(on_seen, &posted));
  wait_until(atomic_load(&posted.calls));
  assert_int_equal(atomic_load(&seen.calls), 0);
  int client = client_connect(path);
  butlers_join(butlers);
  expect_seen(&seen, "accept", 0);
  assert_int_equal(write(ax_stream_fd(peer), "hello", 5), 5);
  client_expect_text(client, "hello");
  client_close(client);
  ax_unref(peer);
  porch_free(&one);
}

/* Though no more clients can wait in line. */
static void a_server_that_is_busy_is_left_alone(void **state) {
  char path[TEMP_PATH];
  struct porch porch;
  temp_path(path, "busy");
  int fd = bound(path, SOCK_STREAM), waiting[2];
  listen(fd, 0);
  for (int i = 0; i < 2; i++) {
    struct sockaddr_un address = address_of(path);
    waiting[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    (void)!connect(waiting[i], (void *)&address, sizeof address);
  }
  assert_int_equal(porch_try(&porch, path), UV_EADDRINUSE);
  porch_free(&porch);
  close(waiting[0]);
  close(waiting[1]);
  close(fd);
}

/* ------------------------------------------------ the lock on its directory */

/* A stale file in a directory that is locked, by somebody else's descriptor. */
static int lock_around(char directory[TEMP_PATH], char path[TEMP_PATH + 8]) {
  temp_path(directory, "locked");
  snprintf(path, TEMP_PATH + 8, "%s/stale", directory);
  ends_must(mkdir(directory, 0700) == 0, directory);
  make_stale(path);
  int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ends_must(flock(fd, LOCK_EX) == 0, directory);
  return fd;
}

static void in_a_directory_that_stays_locked_a_stale_file_stays(void **state) {
  char directory[TEMP_PATH], path[TEMP_PATH + 8];
  struct porch porch;
  int lock = lock_around(directory, path);
  ino_t inode = inode_of(path);
  double begin = seconds();
  assert_int_equal(porch_try(&porch, path), UV_EADDRINUSE);
  assert_true(seconds() - begin < SUPPORT_DEADLINE);
  porch_free(&porch);
  assert_int_equal(inode_of(path), inode);
  close(lock);
  unlink(path);
  assert_int_equal(rmdir(directory), 0);
}

static void *unlock_soon(void *lock) {
  pause_before(deadline(), "who wants the lock");
  close(*(int *)lock);
  return NULL;
}

static void who_finds_the_directory_locked_waits_for_it(void **state) {
  char directory[TEMP_PATH], path[TEMP_PATH + 8];
  int lock = lock_around(directory, path);
  pthread_t thread = thread_start(unlock_soon, &lock);
  struct porch porch = porch_on(path);
  thread_join(thread);
  client_close(client_connect(path));
  porch_free(&porch);
  assert_int_equal(rmdir(directory), 0);
}

/* One that may be written and not be read: there is no lock, but a server. */
static void a_directory_that_cannot_be_read_is_no_obstacle(void **state) {
  if (geteuid() == 0)
    skip(); /* who may read everything */
  char directory[TEMP_PATH], path[TEMP_PATH + 8];
  close(lock_around(directory, path));
  assert_int_equal(chmod(directory, 0300), 0);
  struct porch porch = porch_on(path);
  client_close(client_connect(path));
  porch_free(&porch);
  assert_int_equal(rmdir(directory), 0);
}

/* --------------------------------------------------- two that start at once */

enum { ROUNDS = 300, PROCESS_ROUNDS = 60 };

struct start {
  pthread_barrier_t *barrier;
  const char *path;
  struct porch porch;
  int err;
};

static void *start_server(void *arg) {
  struct start *start = arg;
  ax_endpoint endpoint;
  start->porch = (struct porch){.context = ax_context_new()};
  start->porch.acceptor = ax_acceptor_new(start->porch.context);
  ax_endpoint_parse(start->path, &endpoint);
  pthread_barrier_wait(start->barrier);
  start->err = ax_acceptor_listen(start->porch.acceptor, &endpoint);
  return NULL;
}

static void start_two(struct start starts[2], const char *path) {
  pthread_barrier_t barrier;
  pthread_t threads[2];
  pthread_barrier_init(&barrier, NULL, 2);
  for (int i = 0; i < 2; i++) {
    starts[i] = (struct start){.barrier = &barrier, .path = path};
    threads[i] = thread_start(start_server, &starts[i]);
  }
  for (int i = 0; i < 2; i++)
    thread_join(threads[i]);
  pthread_barrier_destroy(&barrier);
}

/* The winner is reached at the path, and is the only one. */
static void expect_reached(const struct start *winner) {
  int client = client_connect(winner->path);
  int peer = accept(ax_acceptor_fd(winner->porch.acceptor), NULL, NULL);
  assert_true(peer >= 0);
  close(peer);
  client_close(client);
}

static void of_two_that_start_at_once_one_has_the_path(void **state) {
  char path[TEMP_PATH];
  temp_path(path, "two");
  for (int round = 0; round < ROUNDS; round++) {
    struct start starts[2];
    make_stale(path);
    start_two(starts, path);
    int winner = starts[0].err ? 1 : 0;
    assert_int_equal(starts[winner].err, 0);
    assert_int_equal(starts[!winner].err, UV_EADDRINUSE);
    expect_reached(&starts[winner]);
    for (int i = 0; i < 2; i++)
      porch_free(&starts[(winner + 1 + i) % 2].porch);
    assert_false(exists(path));
  }
}

/* One that ends while the other starts: it may come too early, but where it is
 * let in it is reached. */
static void *end_server(void *arg) {
  struct start *start = arg;
  pthread_barrier_wait(start->barrier);
  ax_acceptor_close(start->porch.acceptor);
  return NULL;
}

static void who_starts_while_another_ends_is_reached(void **state) {
  char path[TEMP_PATH];
  pthread_barrier_t barrier;
  pthread_barrier_init(&barrier, NULL, 2);
  temp_path(path, "changed");
  for (int round = 0; round < ROUNDS; round++) {
    struct start old = {.barrier = &barrier, .path = path}, new = old;
    old.porch = porch_on(path);
    pthread_t ending = thread_start(end_server, &old);
    pthread_t starting = thread_start(start_server, &new);
    thread_join(ending);
    thread_join(starting);
    if (new.err)
      assert_int_equal(new.err, UV_EADDRINUSE);
    else
      expect_reached(&new);
    porch_free(&old.porch);
    porch_free(&new.porch);
  }
  pthread_barrier_destroy(&barrier);
}

static char *own_path;

/* In a process of its own: listens in each round at the moment that both have
 * been told, prints how that went, and stays until its input ends. */
static int be_one_of_two(char **argv) {
  uint64_t begin = strtoull(argv[2], NULL, 10);
  char path[TEMP_PATH + 16];
  ax_endpoint endpoint;
  ax_context *context = ax_context_new();
  ax_acceptor *acceptors[PROCESS_ROUNDS];
  for (int i = 0; i < PROCESS_ROUNDS; i++) {
    acceptors[i] = ax_acceptor_new(context);
    snprintf(path, sizeof path, "%s%d", argv[1], i);
    ax_endpoint_parse(path, &endpoint);
    while (ax_now() < begin + (uint64_t)i * AX_MS(1))
      continue;
    int err = ax_acceptor_listen(acceptors[i], &endpoint);
    putchar(err == 0 ? '+' : err == UV_EADDRINUSE ? '-' : '?');
  }
  puts(".");
  fflush(stdout);
  while (getchar() != EOF)
    continue;
  for (int i = 0; i < PROCESS_ROUNDS; i++)
    ax_unref(acceptors[i]);
  ax_context_free(context);
  return 0;
}

static struct program *start_one_of_two(const char *path, ax_time begin) {
  char moment[32], base[TEMP_PATH];
  struct program_options options = {.feed = FEED_PIPE};
  snprintf(moment, sizeof moment, "%llu", (unsigned long long)begin);
  snprintf(base, sizeof base, "%s", path);
  char *argv[] = {own_path, base, moment, NULL};
  return program_exec(argv, &options);
}

static void of_two_processes_one_has_the_path(void **state) {
  char base[TEMP_PATH], path[TEMP_PATH + 16];
  struct program *programs[2];
  temp_path(base, "two");
  for (int i = 0; i < PROCESS_ROUNDS; i++) {
    snprintf(path, sizeof path, "%s%d", base, i);
    make_stale(path);
  }
  ax_time begin = ax_now() + AX_MS(300);
  for (int i = 0; i < 2; i++)
    programs[i] = start_one_of_two(base, begin);
  for (int i = 0; i < 2; i++)
    program_wait_for(programs[i], ".");
  for (int i = 0; i < PROCESS_ROUNDS; i++) {
    char one = program_out(programs[0])[i], two = program_out(programs[1])[i];
    if ((one != '+' || two != '-') && (one != '-' || two != '+'))
      give_up("round %d: %c and %c", i, one, two);
    snprintf(path, sizeof path, "%s%d", base, i);
    client_close(client_connect(path));
  }
  for (int i = 0; i < 2; i++) {
    program_end_input(programs[i]);
    assert_int_equal(program_wait(programs[i]), 0);
    program_free(programs[i]);
  }
  for (int i = 0; i < PROCESS_ROUNDS; i++) {
    snprintf(path, sizeof path, "%s%d", base, i);
    assert_false(exists(path));
  }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      clean_test(a_stale_socket_file_is_replaced),
      clean_test(a_live_socket_file_is_left_alone),
      clean_test(a_file_that_is_no_socket_is_left_alone),
      clean_test(close_removes_the_file),
      clean_test(the_last_reference_removes_the_file),
      clean_test(every_end_removes_the_file),
      clean_test(the_file_of_a_successor_stays),
      clean_test(an_acceptor_that_was_closed_removes_nothing_later),
      clean_test(a_file_that_was_put_there_stays),
      clean_test(a_link_that_was_put_there_stays),
      clean_test(a_file_that_is_gone_already_is_no_matter),
      clean_test(in_another_directory_its_own_file_is_removed),
      clean_test(in_another_directory_a_file_of_its_name_stays),
      clean_test(a_socket_that_does_not_listen_is_left_alone),
      clean_test(the_file_of_a_datagram_socket_that_died_is_replaced),
      clean_test(a_link_to_a_stale_file_is_left_alone),
      clean_test(who_tries_to_listen_costs_no_session),
      clean_test(a_server_that_is_busy_is_left_alone),
      clean_test(in_a_directory_that_stays_locked_a_stale_file_stays),
      clean_test(who_finds_the_directory_locked_waits_for_it),
      clean_test(a_directory_that_cannot_be_read_is_no_obstacle),
      clean_test(of_two_that_start_at_once_one_has_the_path),
      clean_test(who_starts_while_another_ends_is_reached),
      clean_test(of_two_processes_one_has_the_path),
  };
  own_path = argv[0];
  if (argc > 1)
    return be_one_of_two(argv);
  with_alarm();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
