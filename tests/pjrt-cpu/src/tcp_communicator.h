#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "src/transport.h"
#include "xla/core/collectives/communicator.h"
#include "xla/tsl/platform/threadpool.h"

namespace pjrt_cpu {

using Address = stream_executor::DeviceAddressBase;

// One device's part in the collectives of a set of devices. XLA runs the
// collectives of a set one after another on each device, so their turn numbers
// agree. They wait on a thread of their own: XLA's pool may have fewer threads
// than devices.
class TcpCommunicator : public xla::Communicator {
 public:
  TcpCommunicator(std::shared_ptr<Transport> transport, std::vector<int64_t> devices, size_t rank);

  xla::Future<> AllReduce(Address send, Address receive,
                          xla::PrimitiveType type, size_t count, xla::ReductionKind kind,
                          const Executor&) override;
  xla::Future<> Broadcast(Address send, Address receive,
                          xla::PrimitiveType type, size_t count, xla::RankId root,
                          const Executor&) override;
  xla::Future<> ReduceScatter(Address send, Address receive,
                              xla::PrimitiveType type, size_t count, xla::ReductionKind kind,
                              const Executor&) override;
  xla::Future<> AllGather(Address send, Address receive,
                          xla::PrimitiveType type, size_t count, const Executor&) override;
  xla::Future<> CollectivePermute(Address send, Address receive,
                                  xla::PrimitiveType type, size_t count,
                                  std::optional<xla::RankId> source,
                                  absl::Span<const xla::RankId> targets,
                                  const Executor&) override;
  xla::Future<> AllToAll(absl::InlinedVector<Address, 4> send,
                         absl::InlinedVector<Address, 4> receive,
                         xla::PrimitiveType type, size_t count, const Executor&) override;
  xla::Future<> Send(Address, xla::PrimitiveType, size_t, xla::RankId,
                     const Executor&) override;
  xla::Future<> Recv(Address, xla::PrimitiveType, size_t, xla::RankId,
                     const Executor&) override;

  absl::StatusOr<size_t> NumRanks() const override { return devices_.size(); }
  absl::StatusOr<size_t> CurrentRank() override { return rank_; }
  std::string ToString() const override;

 private:
  struct Part {
    size_t rank;
    const char* data;
    size_t size;
  };

  xla::Future<> Enqueue(std::function<absl::Status()> collective);
  // Sends each part to its rank, then waits for one message of each source.
  // Messages meet only those of a call with the same subject.
  absl::StatusOr<std::vector<Bytes>> Exchange(std::string_view subject,
                                              const std::vector<Part>& parts,
                                              const std::vector<size_t>& sources);
  // This rank's share of the sum (or other reduction) of every rank's `data`.
  absl::StatusOr<Bytes> ReduceShare(const char* data, const std::vector<size_t>& starts,
                                    xla::PrimitiveType type, xla::ReductionKind kind);
  std::vector<size_t> AllRanks() const;

  const std::shared_ptr<Transport> transport_;
  const std::vector<int64_t> devices_;
  const size_t rank_;
  uint64_t turn_ = 0;
  // Last, so that its thread ends before what it uses.
  tsl::thread::ThreadPool thread_;
};

}  // namespace pjrt_cpu
