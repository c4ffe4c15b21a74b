// The index terms of a text in order, repeats kept, in one string: a message's are a few dozen short ones.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>

namespace holdfast::text {

class Terms {
 public:
  class const_iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    using pointer = const std::string_view*;
    using reference = std::string_view;

    const_iterator() = default;
    std::string_view operator*() const { return rest_.substr(0, size_); }
    const_iterator& operator++() {
      rest_.remove_prefix(size_ < rest_.size() ? size_ + 1 : size_);
      find_end();
      return *this;
    }
    const_iterator operator++(int) {
      auto before = *this;
      ++*this;
      return before;
    }
    // Of iterators of the same terms.
    bool operator==(const const_iterator& other) const { return rest_.size() == other.rest_.size(); }

   private:
    friend class Terms;
    explicit const_iterator(std::string_view rest) : rest_(rest) { find_end(); }
    void find_end() { size_ = std::min(rest_.find(' '), rest_.size()); }

    std::string_view rest_;  // from the term it is at
    std::size_t size_ = 0;
  };
  using iterator = const_iterator;
  using value_type = std::string_view;

  void reserve(std::size_t bytes) { joined_.reserve(bytes); }
  // Not empty, and without a space.
  void push_back(std::string_view term);

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const_iterator begin() const { return const_iterator(joined_); }
  const_iterator end() const { return const_iterator(std::string_view(joined_).substr(joined_.size())); }
  const std::string& joined() const { return joined_; }  // "hello world"
  bool operator==(const Terms&) const = default;

 private:
  std::string joined_;
  std::size_t size_ = 0;
};

inline void Terms::push_back(std::string_view term) {
  if (size_++ > 0) joined_ += ' ';
  joined_ += term;
}

}  // namespace holdfast::text
