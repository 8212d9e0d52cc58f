#include "src/transport.h"

#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "xla/pjrt/plugin/xla_cpu/cpu_topology.h"
#include "xla/tsl/platform/statusor.h"

namespace pjrt_cpu {
namespace {

struct Header {
  Tag tag;
  uint64_t size;
};

int ProcessOf(int64_t device) {
  return xla::UnpackCpuProcessIndex(xla::PjRtGlobalDeviceId(static_cast<int>(device)));
}

absl::Status LostError(int process, const absl::Status& reason) {
  return absl::UnavailableError(
      absl::StrCat("process ", process, " is lost: ", reason.message()));
}

}  // namespace

Transport::Transport(const CreateOptions& options)
    : process_(static_cast<int>(options.node_id)),
      timeout_(absl::Milliseconds(options.collective_timeout_ms)) {}

absl::StatusOr<std::shared_ptr<Transport>> Transport::Meet(const CreateOptions& options,
                                                           const KeyValueStore& store) {
  if (!store.present()) {
    return absl::InvalidArgumentError(
        absl::StrCat("num_nodes is ", options.num_nodes,
                     ", but the client was given no key-value callbacks to meet the others by"));
  }
  std::shared_ptr<Transport> transport(new Transport(options));
  TF_RETURN_IF_ERROR(transport->ConnectAll(options, store));
  return transport;
}

absl::Status Transport::ConnectAll(const CreateOptions& options, const KeyValueStore& store) {
  TF_ASSIGN_OR_RETURN(Socket listener, Socket::Listen());
  TF_ASSIGN_OR_RETURN(int port, listener.Port());
  const auto key = [](int process) { return absl::StrCat("pjrt_cpu/process/", process); };
  TF_RETURN_IF_ERROR(store.Put(key(process_), absl::StrCat(port, " ", options.device_count)));

  // The greater process of two connects to the smaller.
  for (int process = 0; process < options.num_nodes; ++process) {
    TF_ASSIGN_OR_RETURN(
        std::string value,
        store.Get(key(process), static_cast<int>(absl::ToInt64Milliseconds(timeout_))));
    const std::pair<std::string, std::string> fields = absl::StrSplit(value, ' ');
    int their_port;
    int64_t device_count;
    if (!absl::SimpleAtoi(fields.first, &their_port) ||
        !absl::SimpleAtoi(fields.second, &device_count)) {
      return absl::InternalError(absl::StrCat("the store's ", key(process), " is '", value,
                                              "', expected a port and a count"));
    }
    device_counts_.push_back(device_count);
    if (process >= process_) continue;
    TF_ASSIGN_OR_RETURN(Socket socket, Socket::Connect(their_port));
    TF_RETURN_IF_ERROR(socket.Write(&process_, sizeof(process_)));
    TF_RETURN_IF_ERROR(Add(process, std::move(socket)));
  }
  for (int left = static_cast<int>(options.num_nodes) - 1 - process_; left > 0; --left) {
    TF_ASSIGN_OR_RETURN(Socket socket, listener.Accept(timeout_));
    int process;
    TF_RETURN_IF_ERROR(socket.Read(&process, sizeof(process)));
    TF_RETURN_IF_ERROR(Add(process, std::move(socket)));
  }
  return absl::OkStatus();
}

absl::Status Transport::Add(int process, Socket socket) {
  TF_RETURN_IF_ERROR(socket.LimitWrites(timeout_));
  auto peer = std::make_unique<Peer>();
  peer->process = process;
  peer->socket = std::move(socket);
  Peer& added = *peer;
  peers_.emplace(process, std::move(peer));
  added.reader = std::thread([this, &added] { ReadFrom(added); });
  return absl::OkStatus();
}

Transport::~Transport() {
  for (auto& [process, peer] : peers_) peer->socket.Shutdown();
  for (auto& [process, peer] : peers_) peer->reader.join();
}

void Transport::ReadFrom(Peer& peer) {
  while (true) {
    Header header;
    Bytes message;
    absl::Status read = peer.socket.Read(&header, sizeof(header));
    if (read.ok()) {
      message.resize(header.size);
      read = peer.socket.Read(message.data(), message.size());
    }
    if (!read.ok()) {
      mailbox_.Lose(peer.process, LostError(peer.process, read));
      return;
    }
    mailbox_.Deliver(header.tag, std::move(message));
  }
}

absl::Status Transport::Send(const Tag& tag, const void* data, size_t size) {
  const int process = ProcessOf(tag.to);
  if (process == process_) {
    const char* bytes = static_cast<const char*>(data);
    mailbox_.Deliver(tag, Bytes(bytes, bytes + size));
    return absl::OkStatus();
  }
  Peer& peer = *peers_.at(process);
  const Header header{tag, size};
  const std::lock_guard<std::mutex> lock(peer.writing);
  absl::Status sent = peer.socket.Write(&header, sizeof(header));
  if (sent.ok()) sent = peer.socket.Write(data, size);
  if (sent.ok()) return sent;
  // Part of a message may be out: nothing more can be said on this connection.
  peer.socket.Shutdown();
  return LostError(process, sent);
}

absl::StatusOr<Bytes> Transport::Receive(const Tag& tag) {
  return mailbox_.Take(tag, ProcessOf(tag.from), timeout_);
}

}  // namespace pjrt_cpu
