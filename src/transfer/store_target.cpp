#include <string>

#include "holdfast/transfer/targets.hpp"

namespace holdfast::transfer {
namespace {

std::string words(store::ImportRefusal refusal) {
  if (refusal == store::ImportRefusal::other_agent)
    return "the user's session of this name is another agent's";
  return "the user has a message of this id with other content";
}

class StoreTarget final : public Target {
 public:
  StoreTarget(store::MemoryStore& store, const Clock& clock, Lsn lsn)
      : store_(store), clock_(clock), lsn_(lsn) {}

  Result<ChunkAnswer> write(const NextMessages& next) override {
    const auto imported = store_.import_messages(next, clock_.now(), lsn_);
    if (!imported) return imported.error();
    ChunkAnswer answer{imported->added, imported->present, {}};
    for (const auto& [index, refusal] : imported->refused) answer.refused.emplace_back(index, words(refusal));
    return answer;
  }
  bool wants_features() const override { return true; }

 private:
  store::MemoryStore& store_;
  const Clock& clock_;
  const Lsn lsn_;
};

class DryTarget final : public Target {
 public:
  Result<ChunkAnswer> write(const NextMessages& next) override {
    ChunkAnswer answer;
    for (auto messages = next(); !messages.empty(); messages = next()) answer.added += messages.size();
    return answer;
  }
  bool wants_features() const override { return false; }
};

}  // namespace

std::unique_ptr<Target> make_store_target(store::MemoryStore& store, const Clock& clock, Lsn lsn) {
  return std::make_unique<StoreTarget>(store, clock, lsn);
}

std::unique_ptr<Target> make_dry_target() {
  return std::make_unique<DryTarget>();
}

}  // namespace holdfast::transfer
