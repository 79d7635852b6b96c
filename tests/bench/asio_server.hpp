// asio_server.hpp: what the Asio servers of the bench share: a listener for
// TCP and Unix sockets, threads, and an end.
#ifndef ASIO_SERVER_HPP
#define ASIO_SERVER_HPP

#include <boost/asio.hpp>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using unix_domain = asio::local::stream_protocol;

inline void no_delay(tcp::socket &socket) {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
}
inline void no_delay(unix_domain::socket &) {}

inline std::string text_of(const tcp::endpoint &endpoint) {
  return endpoint.address().to_string() + ":" + std::to_string(endpoint.port());
}
inline std::string text_of(const unix_domain::endpoint &endpoint) {
  return "unix:" + endpoint.path();
}

// Ends the program as the servers in C do when they cannot begin.
[[noreturn]] inline void fail(const std::string &what, const std::string &why) {
  std::fprintf(stderr, "%s: %s\n", what.c_str(), why.c_str());
  std::exit(2);
}

inline tcp::endpoint tcp_endpoint(const std::string &text) {
  error_code error;
  unsigned short port = 0;
  auto colon = text.rfind(':');
  auto address = asio::ip::make_address(text.substr(0, colon), error);
  const char *end = text.data() + text.size();
  auto [rest, wrong] = std::from_chars(text.data() + colon + 1, end, port);
  if (error || colon == std::string::npos || wrong != std::errc() ||
      rest != end)
    fail(text, "neither ADDRESS:PORT nor /PATH");
  return {address, port};
}

// Accepts for ever and hands each socket over. With several threads a socket
// gets a strand of its own, on which all its handlers run.
template <class Protocol, class Connected> class listener {
public:
  listener(asio::io_context &io, const typename Protocol::endpoint &endpoint,
           bool strands, Connected connected)
      : io_(io), acceptor_(io, endpoint), strands_(strands),
        connected_(std::move(connected)) {
    std::printf("listening on %s\n",
                text_of(acceptor_.local_endpoint()).c_str());
    std::fflush(stdout);
    accept();
  }

private:
  void accept() {
    asio::any_io_executor executor = io_.get_executor();
    if (strands_)
      executor = asio::make_strand(io_);
    acceptor_.async_accept(
        executor, [this](error_code error, typename Protocol::socket socket) {
          if (!error) {
            no_delay(socket);
            connected_(std::move(socket));
          }
          accept();
        });
  }

  asio::io_context &io_;
  typename Protocol::acceptor acceptor_;
  bool strands_;
  Connected connected_;
};

// Runs the context with so many threads until it is stopped.
inline void run(asio::io_context &io, int threads) {
  std::vector<std::thread> others;
  for (int i = 1; i < threads; i++)
    others.emplace_back([&io] { io.run(); });
  io.run();
  for (auto &other : others)
    other.join();
}

// Listens at the endpoint, "ADDRESS:PORT" or "/PATH", and serves until SIGTERM
// or SIGINT.
template <class Connected>
void serve(asio::io_context &io, const std::string &endpoint, int threads,
           bool strands, Connected connected) try {
  asio::signal_set signals(io, SIGTERM, SIGINT);
  signals.async_wait([&io](error_code, int) { io.stop(); });
  if (endpoint[0] == '/') {
    listener<unix_domain, Connected> here(io, endpoint, strands, connected);
    run(io, threads);
    return;
  }
  listener<tcp, Connected> here(io, tcp_endpoint(endpoint), strands, connected);
  run(io, threads);
} catch (const boost::system::system_error &error) {
  fail(endpoint, error.code().message());
}

struct options {
  std::string endpoint;
  int threads = 1;
  bool gather = false, chunks = false; // of a chat
};

inline options read_options(int argc, char **argv) {
  options o;
  bool wrong = false;
  for (int i = 1; i < argc; i++)
    if (std::strcmp(argv[i], "--threads") == 0 && i + 1 < argc)
      o.threads = std::atoi(argv[++i]);
    else if (std::strcmp(argv[i], "--gather") == 0)
      o.gather = true;
    else if (std::strcmp(argv[i], "--chunks") == 0)
      o.chunks = true;
    else if (argv[i][0] == '-' || !o.endpoint.empty())
      wrong = true;
    else
      o.endpoint = argv[i];
  if (!wrong && !o.endpoint.empty() && o.threads > 0)
    return o;
  std::fprintf(stderr, "usage: %s [--threads N] ENDPOINT\n", argv[0]);
  std::exit(2);
}

#endif
