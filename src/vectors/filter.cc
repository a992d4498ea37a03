#include "turnstile/vector_filter.h"

#include <utility>

#include "vectors/filter_parser.h"

namespace turnstile {

VectorFilter& VectorFilter::add(std::string column, VectorComparison comparison,
                                std::vector<Value> values) {
  conditions_.push_back({std::move(column), comparison, std::move(values)});
  return *this;
}

VectorFilter& VectorFilter::equal(std::string column, Value value) {
  return add(std::move(column), VectorComparison::Equal, {std::move(value)});
}
VectorFilter& VectorFilter::less(std::string column, Value value) {
  return add(std::move(column), VectorComparison::Less, {std::move(value)});
}
VectorFilter& VectorFilter::at_most(std::string column, Value value) {
  return add(std::move(column), VectorComparison::AtMost, {std::move(value)});
}
VectorFilter& VectorFilter::greater(std::string column, Value value) {
  return add(std::move(column), VectorComparison::Greater, {std::move(value)});
}
VectorFilter& VectorFilter::at_least(std::string column, Value value) {
  return add(std::move(column), VectorComparison::AtLeast, {std::move(value)});
}
VectorFilter& VectorFilter::one_of(std::string column, std::vector<Value> values) {
  return add(std::move(column), VectorComparison::OneOf, std::move(values));
}

VectorFilter VectorFilter::parse(std::string_view text, std::source_location where) {
  VectorFilter filter;
  filter.conditions_ = vectors::parse_filter(text, where);
  return filter;
}

}  // namespace turnstile
