#include "alert/route/silences.h"

#include <algorithm>
#include <cstdio>

#include "base/coding.h"
#include "base/hash.h"
#include "base/text.h"

namespace tsdb::alert {
namespace {

constexpr uint8_t kEncodingVersion = 1;
constexpr uint64_t kMaxItems = 100'000;

Status Damaged() { return DataLoss("stored silence is damaged"); }

Status Validate(const Silence& silence) {
  if (silence.matchers.empty()) {
    return InvalidArgument("invalid silence: matcher set 0: at least one matcher required");
  }
  const bool matches_all =
      std::all_of(silence.matchers.begin(), silence.matchers.end(), [](const Matcher& matcher) {
        // One that only excludes counts as asking for something.
        const bool excludes =
            matcher.type() == MatchType::kNotEqual || matcher.type() == MatchType::kNotRegex;
        return !excludes && matcher.MatchesEmpty();
      });
  if (matches_all) {
    return InvalidArgument(
        "invalid silence: matcher set 0: at least one matcher must not match the empty string");
  }
  if (silence.ends_at_ns < silence.starts_at_ns) {
    return InvalidArgument("invalid silence: end time must not be before start time");
  }
  return Status::Ok();
}

bool SameMatchers(const Silence& a, const Silence& b) { return a.matchers == b.matchers; }

// Whether `wanted` may change `known` in place.
bool CanUpdate(const Silence& known, const Silence& wanted, int64_t now_ns) {
  if (!SameMatchers(known, wanted)) return false;
  const std::string_view state = known.State(now_ns);
  if (state == "active") {
    // The start of an active silence stands, to the second, as clients send it back.
    return wanted.starts_at_ns / 1'000'000'000 == known.starts_at_ns / 1'000'000'000 &&
           wanted.ends_at_ns >= now_ns;
  }
  return state == "pending" && wanted.starts_at_ns >= now_ns;
}

}  // namespace

std::string_view Silence::State(int64_t now_ns) const {
  if (now_ns < starts_at_ns) return "pending";
  return now_ns > ends_at_ns ? "expired" : "active";
}

std::string Silence::Encode() const {
  std::string out(1, static_cast<char>(kEncodingVersion));
  PutBytes(&out, id);
  PutVarint(&out, matchers.size());
  for (const Matcher& matcher : matchers) {
    out.push_back(static_cast<char>(matcher.type()));
    PutBytes(&out, matcher.name());
    PutBytes(&out, matcher.value());
  }
  for (const int64_t time : {starts_at_ns, ends_at_ns, updated_at_ns}) PutSignedVarint(&out, time);
  PutBytes(&out, created_by);
  PutBytes(&out, comment);
  PutVarint(&out, annotations.size());
  for (const auto& [name, value] : annotations) {
    PutBytes(&out, name);
    PutBytes(&out, value);
  }
  return out;
}

Result<Silence> Silence::Decode(std::string_view bytes) {
  if (bytes.empty() || bytes[0] != static_cast<char>(kEncodingVersion)) return Damaged();
  bytes.remove_prefix(1);
  Silence out;
  std::string_view text;
  uint64_t count = 0;
  if (!GetBytes(&bytes, &text) || !GetVarint(&bytes, &count) || count > kMaxItems) return Damaged();
  out.id = text;
  for (uint64_t i = 0; i < count; ++i) {
    if (bytes.empty() || static_cast<uint8_t>(bytes[0]) > 3) return Damaged();
    const auto type = static_cast<MatchType>(bytes[0]);
    bytes.remove_prefix(1);
    std::string_view name, value;
    if (!GetBytes(&bytes, &name) || !GetBytes(&bytes, &value)) return Damaged();
    ASSIGN_OR_RETURN(Matcher matcher, Matcher::Create(type, std::string(name), std::string(value)));
    out.matchers.push_back(std::move(matcher));
  }
  for (int64_t* time : {&out.starts_at_ns, &out.ends_at_ns, &out.updated_at_ns}) {
    if (!GetSignedVarint(&bytes, time)) return Damaged();
  }
  std::string_view created_by, comment;
  if (!GetBytes(&bytes, &created_by) || !GetBytes(&bytes, &comment) || !GetVarint(&bytes, &count) ||
      count > kMaxItems) {
    return Damaged();
  }
  out.created_by = created_by;
  out.comment = comment;
  for (uint64_t i = 0; i < count; ++i) {
    std::string_view name, value;
    if (!GetBytes(&bytes, &name) || !GetBytes(&bytes, &value)) return Damaged();
    out.annotations.emplace_back(name, value);
  }
  return bytes.empty() ? Result<Silence>(std::move(out)) : Damaged();
}

Result<std::vector<Silence>> SilenceSet::Plan(Silence wanted, int64_t now_ns) const {
  const Silence* known = nullptr;
  if (!wanted.id.empty()) {
    known = Find(wanted.id);
    if (known == nullptr) return NotFound("silence not found");
  }
  wanted.updated_at_ns = now_ns;
  RETURN_IF_ERROR(Validate(wanted));
  if (known != nullptr && CanUpdate(*known, wanted, now_ns))
    return std::vector<Silence>{std::move(wanted)};
  std::vector<Silence> plan;
  if (known != nullptr && known->State(now_ns) != "expired") {
    ASSIGN_OR_RETURN(Silence ended, PlanExpire(known->id, now_ns));
    plan.push_back(std::move(ended));
  }
  wanted.id = NewUuid();
  wanted.starts_at_ns = std::max(wanted.starts_at_ns, now_ns);
  plan.push_back(std::move(wanted));
  return plan;
}

Result<Silence> SilenceSet::PlanExpire(std::string_view id, int64_t now_ns) const {
  const Silence* known = Find(id);
  if (known == nullptr) return NotFound("silence not found");
  Silence ended = *known;
  const std::string_view state = known->State(now_ns);
  if (state == "expired") return ended;
  if (state == "pending") ended.starts_at_ns = now_ns;
  // It is over from this instant on, and it counts as active at its last one.
  ended.ends_at_ns = now_ns - 1;
  ended.starts_at_ns = std::min(ended.starts_at_ns, ended.ends_at_ns);
  ended.updated_at_ns = now_ns;
  return ended;
}

void SilenceSet::Put(Silence silence) { silences_[silence.id] = std::move(silence); }

const Silence* SilenceSet::Find(std::string_view id) const {
  const auto found = silences_.find(id);
  return found == silences_.end() ? nullptr : &found->second;
}

std::vector<std::string> SilenceSet::MutedBy(const Labels& labels, int64_t now_ns) const {
  std::vector<std::string> ids;
  for (const auto& [id, silence] : silences_) {
    if (silence.State(now_ns) == "active" && MatchesAll(silence.matchers, labels))
      ids.push_back(id);
  }
  return ids;
}

std::vector<std::string> SilenceSet::Collect(int64_t now_ns, int64_t retention_ns) {
  std::vector<std::string> gone;
  for (auto it = silences_.begin(); it != silences_.end();) {
    if (it->second.ends_at_ns + retention_ns >= now_ns) {
      ++it;
      continue;
    }
    gone.push_back(it->first);
    it = silences_.erase(it);
  }
  return gone;
}

std::string NewUuid() {
  Hash128 random = RandomHash128();
  random.high = (random.high & ~uint64_t{0xf000}) | 0x4000;
  random.low = (random.low & ~(uint64_t{3} << 62)) | uint64_t{2} << 62;
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, "%08llx-%04llx-%04llx-%04llx-%012llx",
                static_cast<unsigned long long>(random.high >> 32),
                static_cast<unsigned long long>(random.high >> 16 & 0xffff),
                static_cast<unsigned long long>(random.high & 0xffff),
                static_cast<unsigned long long>(random.low >> 48),
                static_cast<unsigned long long>(random.low & 0xffffffffffffULL));
  return buffer;
}

}  // namespace tsdb::alert
