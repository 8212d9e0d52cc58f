#include "src/mailbox.h"

#include <chrono>

#include "absl/strings/str_cat.h"

namespace pjrt_cpu {

void Mailbox::Deliver(const Tag& tag, Bytes message) {
  const std::lock_guard<std::mutex> lock(mutex_);
  messages_.emplace(tag, std::move(message));
  changed_.notify_all();
}

absl::StatusOr<Bytes> Mailbox::Take(const Tag& tag, int process, absl::Duration timeout) {
  std::unique_lock<std::mutex> lock(mutex_);
  const auto ready = [&] { return messages_.count(tag) > 0 || lost_.count(process) > 0; };
  if (!changed_.wait_for(lock, absl::ToChronoMilliseconds(timeout), ready)) {
    return absl::DeadlineExceededError(
        absl::StrCat("device ", tag.to, " waited ", absl::FormatDuration(timeout),
                     " in a collective for device ", tag.from, " of process ", process));
  }
  const auto found = messages_.find(tag);
  if (found == messages_.end()) return lost_.at(process);
  Bytes message = std::move(found->second);
  messages_.erase(found);
  return message;
}

void Mailbox::Lose(int process, absl::Status reason) {
  const std::lock_guard<std::mutex> lock(mutex_);
  lost_.emplace(process, std::move(reason));
  changed_.notify_all();
}

}  // namespace pjrt_cpu
