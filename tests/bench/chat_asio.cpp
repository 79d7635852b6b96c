// chat_asio.cpp: the chat of lesson 18 on Boost.Asio.
//
//     chat_asio [--threads N] [--gather] [--chunks] ENDPOINT
//
// The classic form, as in Asio's own chat example: a deque of messages for
// each session, and one async_write for each message. A message is shared by
// all who get it. With --gather all that has gathered leaves with one
// async_write of a buffer sequence, and with --chunks all whole packets of one
// read are handed on as one: what the other chats of the bench do. With several
// threads each session has a strand, and messages are posted to it.
//
// A packet of more than 64 KiB, and a session with more than 1 MiB waiting,
// end that session.
#include "asio_server.hpp"

#include <algorithm>
#include <deque>
#include <memory>
#include <mutex>
#include <shared_mutex>

using message = std::shared_ptr<const std::string>;
static const std::size_t packet_limit = 64 << 10, queue_limit = 1 << 20;
static bool gather, chunks, strands;

class session;

// All who hear each other. They leave before they are destroyed.
class room {
public:
  void enter(std::shared_ptr<session> one) {
    std::unique_lock<std::shared_mutex> lock(mutex_);
    sessions_.push_back(std::move(one));
  }
  void leave(const std::shared_ptr<session> &one) {
    std::unique_lock<std::shared_mutex> lock(mutex_);
    auto at = std::find(sessions_.begin(), sessions_.end(), one);
    if (at != sessions_.end())
      sessions_.erase(at);
  }
  void broadcast(const session *from, const message &text);

private:
  std::shared_mutex mutex_;
  std::vector<std::shared_ptr<session>> sessions_;
};

class session : public std::enable_shared_from_this<session> {
public:
  virtual ~session() = default;
  virtual void send(const message &text) = 0;
};

void room::broadcast(const session *from, const message &text) {
  std::shared_lock<std::shared_mutex> lock(mutex_);
  for (auto &one : sessions_)
    if (one.get() != from)
      one->send(text);
}

template <class Socket> class chat_session : public session {
public:
  chat_session(Socket socket, room &room)
      : socket_(std::move(socket)), room_(room) {}

  void start() {
    room_.enter(shared_from_this());
    asio::dispatch(socket_.get_executor(),
                   [self = shared_from_this(), this] { read(); });
  }

  void send(const message &text) override {
    if (!strands)
      put(text);
    else
      asio::post(socket_.get_executor(),
                 [self = shared_from_this(), this, text] { put(text); });
  }

private:
  void read() {
    asio::async_read_until(
        socket_, asio::dynamic_buffer(in_, packet_limit), '\0',
        [self = shared_from_this(), this](error_code error, std::size_t n) {
          if (error) {
            end();
            return;
          }
          if (chunks)
            n = in_.rfind('\0') + 1;
          auto text = std::make_shared<const std::string>(in_, 0, n);
          in_.erase(0, n);
          room_.broadcast(this, text);
          read();
        });
  }

  void put(const message &text) {
    queued_ += text->size();
    if (queued_ > queue_limit) {
      close();
      return;
    }
    waiting_.push_back(text);
    if (sending_.empty())
      write();
  }

  // One message, or all there are, become what is being sent.
  void write() {
    if (gather) {
      sending_.swap(waiting_);
    } else {
      sending_.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
    auto done = [self = shared_from_this(), this](error_code error,
                                                  std::size_t n) {
      sending_.clear();
      queued_ -= n;
      if (error)
        end();
      else if (!waiting_.empty())
        write();
    };
    if (gather)
      asio::async_write(socket_, buffers(), std::move(done));
    else
      asio::async_write(socket_, asio::buffer(*sending_.front()),
                        std::move(done));
  }

  std::vector<asio::const_buffer> buffers() const {
    std::vector<asio::const_buffer> all;
    all.reserve(sending_.size());
    for (auto &text : sending_)
      all.push_back(asio::buffer(*text));
    return all;
  }

  // Pending operations end with an error, and that ends the session.
  void close() {
    error_code ignored;
    socket_.close(ignored);
  }

  void end() {
    close();
    room_.leave(shared_from_this());
  }

  Socket socket_;
  room &room_;
  std::string in_;
  std::deque<message> waiting_, sending_;
  std::size_t queued_ = 0;
};

int main(int argc, char **argv) {
  options o = read_options(argc, argv);
  gather = o.gather;
  chunks = o.chunks;
  strands = o.threads > 1;
  asio::io_context io(o.threads); // one: it need not expect others
  room everybody;                 // its sessions end before the context
  serve(io, o.endpoint, o.threads, strands, [&everybody](auto socket) {
    using socket_type = decltype(socket);
    std::make_shared<chat_session<socket_type>>(std::move(socket), everybody)
        ->start();
  });
  return 0;
}
