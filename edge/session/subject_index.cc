// Lists by hash.
#include "edge/session/subject_index.h"

#include <functional>

namespace tako::edge {

std::size_t SubjectIndex::hash_of(std::string_view app, std::string_view subject) {
  constexpr std::size_t kOdd = 0x9e3779b97f4a7c15U;
  const std::hash<std::string_view> hash;
  return hash(subject) ^ (hash(app) * kOdd);
}

void SubjectIndex::add(Member& member, std::string_view app, std::string_view subject) {
  remove(member);
  member.hash_ = hash_of(app, subject);
  Member*& first = first_[member.hash_];
  member.next_ = first;
  member.before_ = nullptr;
  if (first != nullptr) first->before_ = &member;
  first = &member;
  member.is_in_ = true;
}

void SubjectIndex::remove(Member& member) {
  if (!member.is_in_) return;
  if (next_visited_ == &member) next_visited_ = member.next_;
  if (member.next_ != nullptr) member.next_->before_ = member.before_;
  if (member.before_ != nullptr) {
    member.before_->next_ = member.next_;
  } else if (member.next_ != nullptr) {
    first_.find(member.hash_)->second = member.next_;
  } else {
    first_.erase(member.hash_);
  }
  member.is_in_ = false;
}

}  // namespace tako::edge
