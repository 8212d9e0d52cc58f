#include "src/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace pjrt_cpu {
namespace {

absl::Status Failed(const char* call) {
  return absl::UnavailableError(absl::StrCat(call, ": ", std::strerror(errno)));
}

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

absl::StatusOr<Socket> Open() {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return Failed("socket");
  return Socket(descriptor);
}

void SendAtOnce(int descriptor) {
  const int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

}  // namespace

Socket::Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

Socket::~Socket() {
  if (descriptor_ >= 0) close(descriptor_);
}

absl::StatusOr<Socket> Socket::Listen() {
  absl::StatusOr<Socket> socket = Open();
  if (!socket.ok()) return socket;
  const sockaddr_in address = Loopback(0);
  if (bind(socket->descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) < 0) {
    return Failed("bind");
  }
  if (listen(socket->descriptor_, SOMAXCONN) < 0) return Failed("listen");
  return socket;
}

absl::StatusOr<Socket> Socket::Connect(int port) {
  absl::StatusOr<Socket> socket = Open();
  if (!socket.ok()) return socket;
  const sockaddr_in address = Loopback(port);
  if (connect(socket->descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) <
      0) {
    return Failed("connect");
  }
  SendAtOnce(socket->descriptor_);
  return socket;
}

absl::StatusOr<int> Socket::Port() const {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  if (getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size) < 0) {
    return Failed("getsockname");
  }
  return ntohs(address.sin_port);
}

absl::StatusOr<Socket> Socket::Accept(absl::Duration timeout) const {
  pollfd waiting{descriptor_, POLLIN, 0};
  const int ready = poll(&waiting, 1, static_cast<int>(absl::ToInt64Milliseconds(timeout)));
  if (ready < 0) return Failed("poll");
  if (ready == 0) {
    return absl::DeadlineExceededError(
        absl::StrCat("no other process connected within ", absl::FormatDuration(timeout)));
  }
  const int descriptor = accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC);
  if (descriptor < 0) return Failed("accept");
  SendAtOnce(descriptor);
  return Socket(descriptor);
}

absl::Status Socket::LimitWrites(absl::Duration timeout) const {
  const timeval limit = absl::ToTimeval(timeout);
  if (setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0) {
    return Failed("setsockopt");
  }
  return absl::OkStatus();
}

absl::Status Socket::Write(const void* data, size_t size) const {
  const char* next = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t written = send(descriptor_, next, size, MSG_NOSIGNAL);
    if (written < 0) {
      if (errno == EINTR) continue;
      return Failed("send");
    }
    next += written;
    size -= written;
  }
  return absl::OkStatus();
}

absl::Status Socket::Read(void* data, size_t size) const {
  char* next = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t got = recv(descriptor_, next, size, 0);
    if (got == 0) return absl::UnavailableError("the connection is closed");
    if (got < 0) {
      if (errno == EINTR) continue;
      return Failed("recv");
    }
    next += got;
    size -= got;
  }
  return absl::OkStatus();
}

void Socket::Shutdown() const { shutdown(descriptor_, SHUT_RDWR); }

}  // namespace pjrt_cpu
