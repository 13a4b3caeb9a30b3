// Finds the word that was probably meant by a misspelt one.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tako::config {

// The candidate with the smallest edit distance (insertions, deletions, substitutions and swaps of
// neighbours); nullopt when none is near enough to be a likely typo.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word,
                                                 std::span<const std::string> candidates);

}  // namespace tako::config
