/* serve.c: butlers, endpoints and signals of the lessons. */
#include "lesson.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* -------------------------------------------------------------- butlers */

static void *butler(void *context) {
  ax_run(context);
  return NULL;
}

void lesson_run(ax_context *context, long butlers) {
  lesson__start();
  size_t count = butlers > 1 ? (size_t)butlers - 1 : 0;
  pthread_t *others = calloc(count + 1, sizeof *others);
  if (others == NULL)
    lesson__quit(1, "no memory for %ld butlers", butlers);
  for (size_t i = 0; i < count; i++)
    if (pthread_create(&others[i], NULL, butler, context) != 0)
      lesson__quit(1, "the system has no thread for butler %zu", i + 1);
  ax_run(context);
  for (size_t i = 0; i < count; i++)
    pthread_join(others[i], NULL);
  free(others);
}

/* -------------------------------------------------------------- signals */

enum { GRACE = 500 * 1000 * 1000 /* ns */ };

/* The doorman is a thread of its own, because all butlers may be busy, and with
 * them the context's own signals. A handler forwards each signal to it. */
static struct {
  pthread_once_t once;
  pthread_t thread;
  sigset_t set;          /* what it listens to */
  pthread_mutex_t mutex; /* guards the rest */
  ax_context *context;   /* NULL: lesson_serve has returned */
  ax_token on_signal;
  ax_token on_hangup; /* if this has a function, SIGHUP is no end */
  int heard;          /* signals */
  bool spent;         /* those are what the last lesson_serve was ended by */
} doorman = {.once = PTHREAD_ONCE_INIT, .mutex = PTHREAD_MUTEX_INITIALIZER};

/* In a signal handler, on any thread that does not block the signal. */
static void forward(int signo) {
  int err = errno;
  pthread_kill(doorman.thread, signo);
  errno = err;
}

/* Whoever hears it twice, as make and the shell may both send it, and is ending
 * anyway, ends as if it had come once. */
static void end_by(int signo) {
  nanosleep(&(struct timespec){.tv_nsec = GRACE}, NULL);
  signal(signo, SIG_DFL);
  raise(signo); /* which is blocked here, and so waits for the next line */
  pthread_sigmask(SIG_UNBLOCK, &doorman.set, NULL);
}

/* With the mutex. */
static void pass_on(void) {
  if (doorman.on_signal.fn)
    ax_post(doorman.context, doorman.on_signal);
  else
    ax_stop(doorman.context);
}

static int hear(void) {
  pthread_mutex_lock(&doorman.mutex);
  int heard = ++doorman.heard;
  if (heard == 1 && doorman.context)
    pass_on();
  pthread_mutex_unlock(&doorman.mutex);
  return heard;
}

/* True when SIGHUP is wanted for something else than an end. */
static bool hear_hangup(void) {
  pthread_mutex_lock(&doorman.mutex);
  bool wanted = doorman.on_hangup.fn;
  if (wanted && doorman.context)
    ax_post(doorman.context, doorman.on_hangup);
  pthread_mutex_unlock(&doorman.mutex);
  return wanted;
}

static void *listen_to_signals(void *arg) {
  for (int signo; sigwait(&doorman.set, &signo) == 0;)
    if (!(signo == SIGHUP && hear_hangup()) && hear() > 1)
      end_by(signo);
  return NULL;
}

/* What was inherited as ignored stays so: nohup wants that. */
static void choose_signals(void) {
  static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  struct sigaction old;
  sigemptyset(&doorman.set);
  for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
    if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
      sigaddset(&doorman.set, signals[i]);
}

/* The pause is for ThreadSanitizer, which (in gcc 12) forgets a signal that
 * comes while it prepares the first blocking call of a thread. */
static void hire_doorman(void) {
  struct sigaction action = {.sa_handler = forward, .sa_flags = SA_RESTART};
  choose_signals();
  pthread_sigmask(SIG_BLOCK, &doorman.set, NULL); /* it inherits the mask */
  if (pthread_create(&doorman.thread, NULL, listen_to_signals, NULL) != 0)
    lesson__quit(1, "the system has no thread for the signals");
  pthread_detach(doorman.thread);
  nanosleep(&(struct timespec){0}, NULL);
  for (int signo = 1; signo < NSIG; signo++)
    if (sigismember(&doorman.set, signo) == 1)
      sigaction(signo, &action, NULL);
  pthread_sigmask(SIG_UNBLOCK, &doorman.set, NULL);
}

void lesson_on_hangup(ax_token token) {
  pthread_mutex_lock(&doorman.mutex);
  doorman.on_hangup = token;
  pthread_mutex_unlock(&doorman.mutex);
}

/* -------------------------------------------------------------- listening */

/* Until it serves: when an endpoint is refused the ones before it are closed,
 * and their socket files go with them. */
static struct {
  ax_acceptor *acceptors[8];
  size_t count;
} listening;

static void all_listen(void) {
  while (listening.count > 0)
    ax_unref(listening.acceptors[--listening.count]);
}

static _Noreturn void refuse(const char *endpoint, int err) {
  for (size_t i = 0; i < listening.count; i++)
    ax_acceptor_close(listening.acceptors[i]);
  lesson__quit(1, "cannot listen on %s: %s", endpoint, uv_strerror(err));
}

/* An endpoint that is no address has the number where the address would be. */
ax_endpoint lesson_inherited(int fd) {
  struct sockaddr addr = {.sa_family = AF_UNSPEC};
  ax_endpoint endpoint = {.len = sizeof addr};
  memcpy(addr.sa_data, &fd, sizeof fd);
  memcpy(&endpoint.addr, &addr, sizeof addr);
  return endpoint;
}

/* Writes what it is called to `text`. */
static int listen_at(ax_acceptor *acceptor, const ax_endpoint *endpoint,
                     char text[AX_ENDPOINT_TEXT]) {
  const struct sockaddr *addr = (const struct sockaddr *)&endpoint->addr;
  int fd;
  if (addr->sa_family != AF_UNSPEC) {
    ax_endpoint_format(endpoint, text);
    return ax_acceptor_listen(acceptor, endpoint);
  }
  memcpy(&fd, addr->sa_data, sizeof fd);
  snprintf(text, AX_ENDPOINT_TEXT, "fd:%d", fd);
  return ax_acceptor_open_fd(acceptor, fd);
}

ax_acceptor *lesson_listen(ax_executor *executor, const ax_endpoint *endpoint) {
  char text[AX_ENDPOINT_TEXT];
  ax_endpoint local;
  ax_acceptor *acceptor = ax_acceptor_new(executor);
  int err = listen_at(acceptor, endpoint, text);
  if (err)
    refuse(text, err);
  if (listening.count < sizeof listening.acceptors / sizeof(ax_acceptor *))
    listening.acceptors[listening.count++] = ax_ref(acceptor);
  ax_acceptor_local(acceptor, &local);
  ax_endpoint_format(&local, text);
  pthread_once(&doorman.once, hire_doorman); /* who reads this may send one */
  printf("listening on %s\n", text);
  fflush(stdout);
  return acceptor;
}

/* --------------------------------------------------------------- serving */

void lesson_serve_until(ax_context *context, long butlers, ax_token on_signal) {
  all_listen();
  signal(SIGPIPE, SIG_IGN); /* of a log that nobody reads any more */
  pthread_mutex_lock(&doorman.mutex);
  doorman.context = context;
  doorman.on_signal = on_signal;
  if (doorman.spent)
    doorman.heard = 0;
  else if (doorman.heard)
    pass_on(); /* it came while the endpoints were opened */
  pthread_mutex_unlock(&doorman.mutex);
  pthread_once(&doorman.once, hire_doorman);
  lesson_run(context, butlers);
  pthread_mutex_lock(&doorman.mutex);
  doorman.context = NULL; /* which may be freed now */
  doorman.spent = doorman.heard > 0;
  pthread_mutex_unlock(&doorman.mutex);
}

void lesson_serve(ax_context *context, long butlers) {
  lesson_serve_until(context, butlers, (ax_token){0});
}
