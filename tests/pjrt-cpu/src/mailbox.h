#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <tuple>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace pjrt_cpu {

using Bytes = std::vector<char>;

// What a message belongs to: the collective (a hash of its devices, kind, type
// and size), its turn among the exchanges of these devices, and its two ends.
struct Tag {
  uint64_t topic;
  uint64_t turn;
  int64_t from;
  int64_t to;

  bool operator<(const Tag& other) const {
    return std::tie(topic, turn, from, to) <
           std::tie(other.topic, other.turn, other.from, other.to);
  }
};

// Messages that have come for the devices of this process.
class Mailbox {
 public:
  void Deliver(const Tag& tag, Bytes message);
  // Waits for the message; `process` is where it comes from.
  absl::StatusOr<Bytes> Take(const Tag& tag, int process, absl::Duration timeout);
  // From now on nothing that is not here yet can come from `process`.
  void Lose(int process, absl::Status reason);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Tag, Bytes> messages_;
  std::map<int, absl::Status> lost_;
};

}  // namespace pjrt_cpu
