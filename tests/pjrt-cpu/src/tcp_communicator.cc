#include "src/tcp_communicator.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "src/reduce.h"
#include "xla/primitive_util.h"
#include "xla/tsl/platform/statusor.h"

namespace pjrt_cpu {
namespace {

char* At(const Address& address) { return static_cast<char*>(address.opaque()); }

size_t BytesOf(xla::PrimitiveType type, size_t count) {
  return count * xla::primitive_util::ByteWidth(type);
}

}  // namespace

TcpCommunicator::TcpCommunicator(std::shared_ptr<Transport> transport,
                                 std::vector<int64_t> devices, size_t rank)
    : transport_(std::move(transport)),
      devices_(std::move(devices)),
      rank_(rank),
      thread_(tsl::Env::Default(), "collectives", 1) {}

std::string TcpCommunicator::ToString() const {
  return absl::StrCat("TcpCommunicator(rank ", rank_, " of devices ",
                      absl::StrJoin(devices_, ","), ")");
}

xla::Future<> TcpCommunicator::Enqueue(std::function<absl::Status()> collective) {
  auto [promise, future] = xla::MakePromise<>();
  auto shared = std::make_shared<xla::Promise<>>(std::move(promise));
  thread_.Schedule([collective = std::move(collective), shared] { shared->Set(collective()); });
  return std::move(future);
}

std::vector<size_t> TcpCommunicator::AllRanks() const {
  std::vector<size_t> ranks(devices_.size());
  for (size_t rank = 0; rank < ranks.size(); ++rank) ranks[rank] = rank;
  return ranks;
}

absl::StatusOr<std::vector<Bytes>> TcpCommunicator::Exchange(std::string_view subject,
                                                             const std::vector<Part>& parts,
                                                             const std::vector<size_t>& sources) {
  // libstdc++'s hash is the same in every process, unlike absl's.
  const uint64_t topic =
      std::hash<std::string>()(absl::StrCat(subject, " ", absl::StrJoin(devices_, ",")));
  const uint64_t turn = turn_++;
  for (const Part& part : parts) {
    TF_RETURN_IF_ERROR(transport_->Send({topic, turn, devices_[rank_], devices_[part.rank]},
                                        part.data, part.size));
  }
  std::vector<Bytes> messages;
  for (size_t source : sources) {
    TF_ASSIGN_OR_RETURN(Bytes message,
                        transport_->Receive({topic, turn, devices_[source], devices_[rank_]}));
    messages.push_back(std::move(message));
  }
  return messages;
}

absl::StatusOr<Bytes> TcpCommunicator::ReduceShare(const char* data,
                                                   const std::vector<size_t>& starts,
                                                   xla::PrimitiveType type,
                                                   xla::ReductionKind kind) {
  std::vector<Part> parts;
  for (size_t rank : AllRanks()) {
    parts.push_back({rank, data + BytesOf(type, starts[rank]),
                     BytesOf(type, starts[rank + 1] - starts[rank])});
  }
  const std::string subject = absl::StrCat("reduce ", static_cast<int>(kind), " ",
                                           static_cast<int>(type), " ", starts.back());
  TF_ASSIGN_OR_RETURN(std::vector<Bytes> shares, Exchange(subject, parts, AllRanks()));
  // In the order of the ranks, so that the result does not depend on timing.
  Bytes total = std::move(shares[0]);
  for (size_t rank = 1; rank < shares.size(); ++rank) {
    TF_RETURN_IF_ERROR(Reduce(type, kind, total.data(), shares[rank].data(),
                              starts[rank_ + 1] - starts[rank_]));
  }
  return total;
}

xla::Future<> TcpCommunicator::AllReduce(Address send, Address receive,
                                         xla::PrimitiveType type, size_t count,
                                         xla::ReductionKind kind, const Executor&) {
  return Enqueue([=]() -> absl::Status {
    std::vector<size_t> starts;
    for (size_t i = 0; i <= devices_.size(); ++i) starts.push_back(i * count / devices_.size());
    TF_ASSIGN_OR_RETURN(Bytes share, ReduceShare(At(send), starts, type, kind));
    std::vector<Part> parts;
    for (size_t rank : AllRanks()) parts.push_back({rank, share.data(), share.size()});
    TF_ASSIGN_OR_RETURN(std::vector<Bytes> shares,
                        Exchange(absl::StrCat("reduced ", static_cast<int>(type), " ", count),
                                 parts, AllRanks()));
    for (size_t rank : AllRanks()) {
      std::memcpy(At(receive) + BytesOf(type, starts[rank]), shares[rank].data(),
                  shares[rank].size());
    }
    return absl::OkStatus();
  });
}

xla::Future<> TcpCommunicator::Broadcast(Address send, Address receive,
                                         xla::PrimitiveType type, size_t count, xla::RankId root,
                                         const Executor&) {
  return Enqueue([=]() -> absl::Status {
    const size_t source = root.value();
    std::vector<Part> parts;
    if (source == rank_) {
      for (size_t rank : AllRanks()) parts.push_back({rank, At(send), BytesOf(type, count)});
    }
    TF_ASSIGN_OR_RETURN(
        std::vector<Bytes> messages,
        Exchange(absl::StrCat("broadcast ", static_cast<int>(type), " ", count), parts, {source}));
    std::memcpy(At(receive), messages[0].data(), messages[0].size());
    return absl::OkStatus();
  });
}

xla::Future<> TcpCommunicator::ReduceScatter(Address send,
                                             Address receive,
                                             xla::PrimitiveType type, size_t count,
                                             xla::ReductionKind kind, const Executor&) {
  return Enqueue([=]() -> absl::Status {
    // `count` elements stay on each rank.
    std::vector<size_t> starts;
    for (size_t i = 0; i <= devices_.size(); ++i) starts.push_back(i * count);
    TF_ASSIGN_OR_RETURN(Bytes share, ReduceShare(At(send), starts, type, kind));
    std::memcpy(At(receive), share.data(), share.size());
    return absl::OkStatus();
  });
}

xla::Future<> TcpCommunicator::AllGather(Address send, Address receive,
                                         xla::PrimitiveType type, size_t count, const Executor&) {
  return Enqueue([=]() -> absl::Status {
    const size_t size = BytesOf(type, count);
    std::vector<Part> parts;
    for (size_t rank : AllRanks()) parts.push_back({rank, At(send), size});
    TF_ASSIGN_OR_RETURN(std::vector<Bytes> messages,
                        Exchange(absl::StrCat("gather ", static_cast<int>(type), " ", count),
                                 parts, AllRanks()));
    for (size_t rank : AllRanks()) {
      std::memcpy(At(receive) + rank * size, messages[rank].data(), size);
    }
    return absl::OkStatus();
  });
}

xla::Future<> TcpCommunicator::CollectivePermute(Address send,
                                                 Address receive,
                                                 xla::PrimitiveType type, size_t count,
                                                 std::optional<xla::RankId> source,
                                                 absl::Span<const xla::RankId> targets,
                                                 const Executor&) {
  const std::vector<xla::RankId> copied(targets.begin(), targets.end());
  return Enqueue([=]() -> absl::Status {
    const size_t size = BytesOf(type, count);
    std::vector<Part> parts;
    for (xla::RankId target : copied) {
      parts.push_back({static_cast<size_t>(target.value()), At(send), size});
    }
    std::vector<size_t> sources;
    if (source) sources.push_back(source->value());
    TF_ASSIGN_OR_RETURN(std::vector<Bytes> messages,
                        Exchange(absl::StrCat("permute ", static_cast<int>(type), " ", count),
                                 parts, sources));
    if (messages.empty()) {
      std::memset(At(receive), 0, size);
    } else {
      std::memcpy(At(receive), messages[0].data(), size);
    }
    return absl::OkStatus();
  });
}

xla::Future<> TcpCommunicator::AllToAll(absl::InlinedVector<Address, 4> send,
                                        absl::InlinedVector<Address, 4> receive,
                                        xla::PrimitiveType type, size_t count, const Executor&) {
  return Enqueue([=]() -> absl::Status {
    const size_t size = BytesOf(type, count);
    std::vector<Part> parts;
    for (size_t rank : AllRanks()) parts.push_back({rank, At(send[rank]), size});
    TF_ASSIGN_OR_RETURN(std::vector<Bytes> messages,
                        Exchange(absl::StrCat("all-to-all ", static_cast<int>(type), " ", count),
                                 parts, AllRanks()));
    for (size_t rank : AllRanks()) {
      std::memcpy(At(receive[rank]), messages[rank].data(), size);
    }
    return absl::OkStatus();
  });
}

xla::Future<> TcpCommunicator::Send(Address, xla::PrimitiveType, size_t, xla::RankId,
                                    const Executor&) {
  return xla::Future<>(absl::UnimplementedError("send over processes"));
}

xla::Future<> TcpCommunicator::Recv(Address, xla::PrimitiveType, size_t, xla::RankId,
                                    const Executor&) {
  return xla::Future<>(absl::UnimplementedError("receive over processes"));
}

}  // namespace pjrt_cpu
