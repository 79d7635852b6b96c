// asio_server.hpp: what the Asio servers of the bench share: a listener for
// TCP and Unix sockets, threads, and an end.
#ifndef ASIO_SERVER_HPP
#define ASIO_SERVER_HPP

#include <boost/asio.hpp>

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
           bool strands, Connected connected) {
  asio::signal_set signals(io, SIGTERM, SIGINT);
  signals.async_wait([&io](error_code, int) { io.stop(); });
  if (endpoint[0] == '/') {
    listener<unix_domain, Connected> here(io, endpoint, strands, connected);
    run(io, threads);
    return;
  }
  auto colon = endpoint.rfind(':');
  auto address = asio::ip::make_address(endpoint.substr(0, colon));
  auto port = std::stoi(endpoint.substr(colon + 1));
  listener<tcp, Connected> here(
      io, tcp::endpoint(address, static_cast<unsigned short>(port)), strands,
      connected);
  run(io, threads);
}

struct options {
  std::string endpoint;
  int threads = 1;
  bool gather = false, chunks = false; // of a chat
};

inline options read_options(int argc, char **argv) {
  options o;
  for (int i = 1; i < argc; i++)
    if (std::strcmp(argv[i], "--threads") == 0 && i + 1 < argc)
      o.threads = std::atoi(argv[++i]);
    else if (std::strcmp(argv[i], "--gather") == 0)
      o.gather = true;
    else if (std::strcmp(argv[i], "--chunks") == 0)
      o.chunks = true;
    else
      o.endpoint = argv[i];
  if (!o.endpoint.empty() && o.threads > 0)
    return o;
  std::fprintf(stderr, "usage: %s [--threads N] ENDPOINT\n", argv[0]);
  std::exit(2);
}

#endif
