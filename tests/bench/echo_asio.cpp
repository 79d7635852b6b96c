// echo_asio.cpp: the echo server of lesson 10 on Boost.Asio.
//
//     echo_asio [--threads N] ENDPOINT
//
// A session that owns itself, a buffer of the same size, and a NUL at the end
// of what came ends it. A session has one operation at a time, so it needs no
// strand, however many threads there are.
#include "asio_server.hpp"

#include <array>
#include <memory>

template <class Socket>
class session : public std::enable_shared_from_this<session<Socket>> {
public:
  explicit session(Socket socket) : socket_(std::move(socket)) {}

  void read() {
    socket_.async_read_some(
        asio::buffer(data_),
        [self = this->shared_from_this()](error_code error, std::size_t n) {
          if (!error)
            self->write(n);
        });
  }

private:
  void write(std::size_t n) {
    bool last = data_[n - 1] == '\0';
    asio::async_write(
        socket_, asio::buffer(data_, n),
        [self = this->shared_from_this(), last](error_code error, std::size_t) {
          if (!error && !last)
            self->read();
        });
  }

  Socket socket_;
  std::array<char, 1024> data_;
};

int main(int argc, char **argv) {
  options o = read_options(argc, argv);
  asio::io_context io(o.threads); // one: it need not expect others
  serve(io, o.endpoint, o.threads, false, [](auto socket) {
    using socket_type = decltype(socket);
    std::make_shared<session<socket_type>>(std::move(socket))->read();
  });
  return 0;
}
