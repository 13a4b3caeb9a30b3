// SubjectIndex: the live permissions of each subject at this edge.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>

namespace tako::edge {

// Intrusive: a member costs three words, and adding it allocates only for a subject's first.
class SubjectIndex {
 public:
  // May be removed, and others with it, within a visit.
  class Member {
   public:
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;

   protected:
    Member() = default;
    ~Member() = default;

   private:
    friend class SubjectIndex;
    Member* next_ = nullptr;
    Member* before_ = nullptr;
    std::size_t hash_ = 0;
    bool is_in_ = false;
  };

  SubjectIndex() = default;
  SubjectIndex(const SubjectIndex&) = delete;
  SubjectIndex& operator=(const SubjectIndex&) = delete;

  void add(Member& member, std::string_view app, std::string_view subject);
  // No effect when it is not in.
  void remove(Member& member);
  // Visits the subject's members, and maybe some of other subjects. Not from within a visit.
  template <typename Visit>
  void for_each(std::string_view app, std::string_view subject, Visit visit);

  [[nodiscard]] std::size_t subjects() const { return first_.size(); }

 private:
  [[nodiscard]] static std::size_t hash_of(std::string_view app, std::string_view subject);

  std::unordered_map<std::size_t, Member*> first_;  // by hash: those of equal ones share a list
  Member* next_visited_ = nullptr;                  // while visiting
};

template <typename Visit>
void SubjectIndex::for_each(std::string_view app, std::string_view subject, Visit visit) {
  const auto found = first_.find(hash_of(app, subject));
  if (found == first_.end()) return;
  for (Member* member = found->second; member != nullptr; member = next_visited_) {
    next_visited_ = member->next_;
    visit(*member);
  }
}

}  // namespace tako::edge
