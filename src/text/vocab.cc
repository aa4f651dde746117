#include "text/vocab.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/error.h"

namespace valence::text {

Vocab::Vocab(size_t tokens) : slots_(std::bit_ceil(2 * tokens + 16), Slot{0, -1}) {
  entries_.reserve(tokens);
  bytes_.reserve(8 * tokens);
}

Vocab::Slot& Vocab::slot_of(std::string_view token, uint64_t hash) {
  const uint64_t mixed = mix(hash);
  const uint32_t tag = static_cast<uint32_t>(mixed >> 32);
  for (size_t i = mixed & (slots_.size() - 1);; i = (i + 1) & (slots_.size() - 1)) {
    Slot& slot = slots_[i];
    if (slot.id < 0 || (slot.tag == tag && this->token(slot.id) == token)) {
      slot.tag = tag;
      return slot;
    }
  }
}

void Vocab::grow() {
  std::vector<Slot> old(slots_.size() * 2, Slot{0, -1});
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.id >= 0) slot_of(token(slot.id), PrefixHash::of(token(slot.id))).id = slot.id;
  }
}

bool Vocab::add(std::string_view token, int32_t id) {
  VALENCE_CHECK(id >= 0 && id <= kMaxTokenId && !has_id(id));
  if (2 * (count_ + 1) > slots_.size()) grow();
  if (bytes_.size() + token.size() >= kNone) {
    throw Error(ErrorCode::kBadData, "a vocabulary of more than 4 GB");
  }
  Slot& slot = slot_of(token, PrefixHash::of(token));
  if (static_cast<size_t>(id) >= entries_.size())
    entries_.resize(static_cast<size_t>(id) + 1, Entry{0, kNone});
  entries_[static_cast<size_t>(id)] = {static_cast<uint32_t>(bytes_.size()),
                                       static_cast<uint32_t>(token.size())};
  bytes_.append(token);
  longest_ = std::max(longest_, token.size());
  const bool is_new = slot.id < 0;
  slot.id = id;
  count_ += is_new;
  return is_new;
}

bool Vocab::has_id(int32_t id) const {
  return id >= 0 && static_cast<size_t>(id) < entries_.size() &&
         entries_[static_cast<size_t>(id)].length != kNone;
}

std::string_view Vocab::token(int32_t id) const {
  if (!has_id(id)) return {};
  const Entry& entry = entries_[static_cast<size_t>(id)];
  return {bytes_.data() + entry.begin, entry.length};
}

int32_t Vocab::find(std::string_view token, std::string_view prefix, uint64_t hash) const {
  const uint64_t mixed = mix(hash);
  const uint32_t tag = static_cast<uint32_t>(mixed >> 32);
  for (size_t i = mixed & (slots_.size() - 1);; i = (i + 1) & (slots_.size() - 1)) {
    const Slot& slot = slots_[i];
    if (slot.id < 0) return -1;
    if (slot.tag != tag) continue;
    const std::string_view found = this->token(slot.id);
    if (found.size() == prefix.size() + token.size() && found.starts_with(prefix) && found.ends_with(token)) {
      return slot.id;
    }
  }
}

}  // namespace valence::text
