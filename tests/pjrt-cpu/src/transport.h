#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "src/create_options.h"
#include "src/key_value_store.h"
#include "src/mailbox.h"
#include "src/socket.h"

namespace pjrt_cpu {

// Carries messages between devices: within the process by its mailbox, to
// another process over the one connection that each two processes have.
class Transport {
 public:
  // Meets the other processes through the store; returns once all are
  // connected.
  static absl::StatusOr<std::shared_ptr<Transport>> Meet(const CreateOptions& options,
                                                         const KeyValueStore& store);
  ~Transport();

  // How many devices each process has.
  const std::vector<int64_t>& device_counts() const { return device_counts_; }

  absl::Status Send(const Tag& tag, const void* data, size_t size);
  absl::StatusOr<Bytes> Receive(const Tag& tag);

 private:
  struct Peer {
    int process;
    Socket socket;
    std::mutex writing;
    std::thread reader;
  };

  explicit Transport(const CreateOptions& options);
  absl::Status ConnectAll(const CreateOptions& options, const KeyValueStore& store);
  absl::Status Add(int process, Socket socket);
  void ReadFrom(Peer& peer);

  const int process_;
  const absl::Duration timeout_;
  std::vector<int64_t> device_counts_;
  std::map<int, std::unique_ptr<Peer>> peers_;
  Mailbox mailbox_;
};

}  // namespace pjrt_cpu
