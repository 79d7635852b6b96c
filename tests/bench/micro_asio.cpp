// micro_asio.cpp: micro.c on Boost.Asio.
//
//     micro_asio CASE [default]
//
// The context is told how many threads will run it, so that it need not expect
// others: for one, that makes it faster by up to a third. With `default` it is
// told nothing, as in most programs.
#include <boost/asio.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <vector>

namespace asio = boost::asio;
using clock_type = std::chrono::steady_clock;

enum { HANDLERS = 2000000, WAVE = 1000, CHAINS = 8, STRANDS = 4 };
enum { ARMED = 100000, ROUNDS = 10, FIRED = 200000 };

static asio::io_context *context;
using strand_type = asio::strand<asio::io_context::executor_type>;
static std::vector<strand_type> strands;

static double run(int butlers, double operations) {
  auto begin = clock_type::now();
  std::thread other;
  if (butlers == 2)
    other = std::thread([] { context->run(); });
  context->run();
  if (butlers == 2)
    other.join();
  std::chrono::duration<double> passed = clock_type::now() - begin;
  return operations / passed.count();
}

static void post_all() {
  for (int i = 0; i < HANDLERS; i++)
    asio::post(*context, [] {});
}

static double post(int butlers) {
  asio::post(*context, post_all);
  return run(butlers, HANDLERS);
}

static void post_wave() {
  static int left = HANDLERS;
  for (int i = 1; i < WAVE; i++)
    asio::post(*context, [] {});
  if ((left -= WAVE) > 0)
    asio::post(*context, post_wave);
}

static double wave(int butlers) {
  asio::post(*context, post_wave);
  return run(butlers, HANDLERS);
}

template <class Executor> struct chain {
  Executor executor;
  int left;
  void ping() {
    if (--left > 0)
      asio::post(executor, [this] { ping(); });
  }
};

static double chains(int butlers, int count) {
  std::vector<chain<asio::io_context::executor_type>> all;
  for (int i = 0; i < count; i++)
    all.push_back({context->get_executor(), HANDLERS / count});
  for (auto &one : all)
    asio::post(one.executor, [&one] { one.ping(); });
  return run(butlers, HANDLERS);
}

static double strand_chains(int butlers) {
  std::vector<chain<strand_type>> all;
  for (int i = 0; i < CHAINS * STRANDS; i++)
    all.push_back({strands[i / CHAINS], HANDLERS / (CHAINS * STRANDS)});
  for (auto &one : all)
    asio::post(one.executor, [&one] { one.ping(); });
  return run(butlers, HANDLERS);
}

static double outside() {
  auto work = std::make_optional(asio::make_work_guard(*context));
  std::thread thread([&] {
    post_all();
    work.reset();
  });
  double rate = run(1, HANDLERS);
  thread.join();
  return rate;
}

static double strand(int butlers) {
  asio::post(*context, [] {
    for (int i = 0; i < HANDLERS; i++)
      asio::post(strands[i % STRANDS], [] {});
  });
  return run(butlers, HANDLERS);
}

static double cpu_seconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double timer_cancel() {
  std::vector<asio::steady_timer> timers;
  for (int i = 0; i < ARMED; i++)
    timers.emplace_back(*context);
  double begin = cpu_seconds();
  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < ARMED; i++) {
      timers[i].expires_after(std::chrono::seconds(60) +
                              std::chrono::microseconds(i * 997 % ARMED));
      timers[i].async_wait([](boost::system::error_code) {});
    }
    for (auto &timer : timers)
      timer.cancel();
    context->run();
    context->restart();
  }
  return ARMED * double(ROUNDS) / (cpu_seconds() - begin);
}

static double timer_fire() {
  std::vector<asio::steady_timer> timers;
  std::vector<unsigned> late;
  for (int i = 0; i < FIRED; i++)
    timers.emplace_back(*context);
  late.reserve(FIRED);
  double begin = cpu_seconds();
  auto first = clock_type::now() + std::chrono::milliseconds(150);
  for (int i = 0; i < FIRED; i++) {
    auto due = first + std::chrono::microseconds((long)i * 7919 % FIRED);
    timers[i].expires_at(due);
    timers[i].async_wait([&late, due](boost::system::error_code) {
      std::chrono::duration<double, std::micro> by = clock_type::now() - due;
      late.push_back(unsigned(by.count()));
    });
  }
  context->run();
  double rate = FIRED / (cpu_seconds() - begin);
  std::sort(late.begin(), late.end());
  std::fprintf(stderr, "lateness p50 %u us, p99 %u us\n", late[FIRED / 2],
               late[FIRED / 100 * 99]);
  return rate;
}

static const struct {
  const char *name;
  double (*run)();
} cases[] = {
    {"post1", [] { return post(1); }},
    {"wave1", [] { return wave(1); }},
    {"ping1", [] { return chains(1, 1); }},
    {"outside1", outside},
    {"strand1", [] { return strand(1); }},
    {"post2", [] { return post(2); }},
    {"ping2", [] { return chains(2, 1); }},
    {"strand2", [] { return strand(2); }},
    {"ping8x2", [] { return chains(2, CHAINS); }},
    {"strandchain2", [] { return strand_chains(2); }},
    {"timer_cancel", timer_cancel},
    {"timer_fire", timer_fire},
};

int main(int argc, char **argv) {
  const char *live = std::getenv("LIVE");
  std::string name = argc > 1 ? argv[1] : "?";
  bool told = argc < 3 || std::strcmp(argv[2], "default") != 0;
  asio::io_context io(!told                ? BOOST_ASIO_CONCURRENCY_HINT_DEFAULT
                      : name.back() == '2' ? 2
                                           : 1);
  context = &io;
  for (int i = 0; i < STRANDS; i++)
    strands.push_back(asio::make_strand(io));
  std::optional<asio::ip::tcp::acceptor> acceptor;
  if (live && std::strcmp(live, "1") == 0)
    acceptor.emplace(
        io, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  for (auto &one : cases)
    if (name == one.name) {
      std::printf("asio/%s %.0f\n", one.name, one.run());
      return 0;
    }
  std::fprintf(stderr, "usage: micro_asio CASE [default] (see micro.c)\n");
  return 3;
}
