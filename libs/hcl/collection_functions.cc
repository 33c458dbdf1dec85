// alltrue, anytrue, chunklist, coalesce, coalescelist, compact, concat, element, flatten, index,
// keys, length, lookup, merge, range, reverse, slice, sort, values, zipmap
#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "libs/base/status_macros.h"
#include "libs/hcl/function_groups.h"
#include "libs/hcl/unicode.h"

namespace cloister::hcl {
namespace {

absl::Status WrongElement(absl::string_view required, const Value& element) {
  return absl::InvalidArgumentError(absl::StrCat("each element must be ", required, "; one is ",
                                                 KindInWords(element.kind()), "."));
}

absl::StatusOr<Value> AllTrue(const FunctionCall& call) {
  bool all = true;
  for (const Value& element : call.arguments[0].elements()) {
    const absl::optional<bool> truth = element.ToBool();
    if (!truth) return WrongElement("a bool", element);
    all = all && *truth;
  }
  return Value::Bool(all);
}

absl::StatusOr<Value> AnyTrue(const FunctionCall& call) {
  bool any = false;
  for (const Value& element : call.arguments[0].elements()) {
    const absl::optional<bool> truth = element.ToBool();
    if (!truth) return WrongElement("a bool", element);
    any = any || *truth;
  }
  return Value::Bool(any);
}

absl::StatusOr<Value> ChunkList(const FunctionCall& call) {
  const Value::Elements& elements = call.arguments[0].elements();
  const int64_t size = call.arguments[1].integer();
  if (size < 0) return absl::InvalidArgumentError("the size of a chunk may not be negative.");
  // 0 means one chunk of all.
  const size_t step = size == 0 ? std::max<size_t>(1, elements.size()) : size;
  Value::Elements chunks;
  for (size_t at = 0; at < elements.size();) {
    const size_t end = at + std::min(step, elements.size() - at);
    chunks.push_back(Value::Tuple({elements.begin() + at, elements.begin() + end}));
    at = end;
  }
  return Value::Tuple(std::move(chunks));
}

absl::StatusOr<Value> Coalesce(const FunctionCall& call) {
  for (const Value& value : call.arguments) {
    if (!value.IsNull()) return value;
  }
  return absl::InvalidArgumentError("all arguments are null.");
}

absl::StatusOr<Value> CoalesceList(const FunctionCall& call) {
  for (const Value& list : call.arguments) {
    if (!list.elements().empty()) return list;
  }
  return absl::InvalidArgumentError("all lists are empty.");
}

absl::StatusOr<Value> Compact(const FunctionCall& call) {
  Value::Elements kept;
  for (const Value& element : call.arguments[0].elements()) {
    if (element.IsNull()) continue;
    const absl::optional<std::string> text = element.ToText();
    if (!text) return WrongElement("a string", element);
    if (!text->empty()) kept.push_back(element);
  }
  return Value::Tuple(std::move(kept));
}

absl::StatusOr<Value> Concat(const FunctionCall& call) {
  Value::Elements all;
  for (const Value& list : call.arguments) {
    all.insert(all.end(), list.elements().begin(), list.elements().end());
  }
  return Value::Tuple(std::move(all));
}

absl::StatusOr<Value> Element(const FunctionCall& call) {
  const Value::Elements& elements = call.arguments[0].elements();
  const int64_t index = call.arguments[1].integer();
  if (elements.empty()) return absl::InvalidArgumentError("the list is empty.");
  if (index < 0) return absl::InvalidArgumentError("the index may not be negative.");
  return elements[index % elements.size()];
}

// Depth is that of a value, which is bounded.
void FlattenInto(const Value& list, Value::Elements& out) {
  for (const Value& element : list.elements()) {
    if (element.IsTuple()) {
      FlattenInto(element, out);
    } else {
      out.push_back(element);
    }
  }
}

absl::StatusOr<Value> Flatten(const FunctionCall& call) {
  Value::Elements flat;
  FlattenInto(call.arguments[0], flat);
  return Value::Tuple(std::move(flat));
}

absl::StatusOr<Value> Index(const FunctionCall& call) {
  const Value::Elements& elements = call.arguments[0].elements();
  const auto found = std::find(elements.begin(), elements.end(), call.arguments[1]);
  if (found == elements.end()) return absl::InvalidArgumentError("the list has no such element.");
  return Value::Int(found - elements.begin());
}

absl::StatusOr<Value> Keys(const FunctionCall& call) {
  Value::Elements keys;
  for (const auto& [key, value] : call.arguments[0].attributes())
    keys.push_back(Value::String(key));
  return Value::Tuple(std::move(keys));
}

absl::StatusOr<Value> Values(const FunctionCall& call) {
  Value::Elements values;
  for (const auto& [key, value] : call.arguments[0].attributes()) values.push_back(value);
  return Value::Tuple(std::move(values));
}

absl::StatusOr<Value> Length(const FunctionCall& call) {
  const Value& value = call.arguments[0];
  switch (value.kind()) {
    case Value::Kind::kTuple:
      return Value::Int(static_cast<int64_t>(value.elements().size()));
    case Value::Kind::kObject:
      return Value::Int(static_cast<int64_t>(value.attributes().size()));
    case Value::Kind::kString:
      return Value::Int(static_cast<int64_t>(CountCodePoints(value.text())));
    default:
      return absl::InvalidArgumentError(absl::StrCat(
          "a list, an object or a string has a length, not ", KindInWords(value.kind()), "."));
  }
}

absl::StatusOr<Value> Lookup(const FunctionCall& call) {
  if (const Value* found = call.arguments[0].Find(call.arguments[1].text())) return *found;
  if (call.arguments.size() > 2) return call.arguments[2];
  return absl::InvalidArgumentError(absl::StrCat(
      "the object has no key \"", call.arguments[1].text(), "\", and there is no default."));
}

absl::StatusOr<Value> Merge(const FunctionCall& call) {
  Value::Attributes merged;
  for (const Value& object : call.arguments) {
    if (!object.IsObject() && !object.IsNull()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the arguments must be objects; one is ", KindInWords(object.kind()), "."));
    }
    for (const auto& [key, value] : object.attributes()) merged.insert_or_assign(key, value);
  }
  return Value::Object(std::move(merged));
}

// range(limit), range(start, limit), range(start, limit, step)
absl::StatusOr<Value> Range(const FunctionCall& call) {
  const absl::Span<const Value> arguments = call.arguments;
  if (arguments.size() > 3) return absl::InvalidArgumentError("there are at most 3 arguments.");
  const double start = arguments.size() > 1 ? arguments[0].number() : 0;
  const double limit = arguments[arguments.size() > 1 ? 1 : 0].number();
  const double step = arguments.size() > 2 ? arguments[2].number() : limit < start ? -1 : 1;
  if (step == 0) return absl::InvalidArgumentError("the step must not be zero.");
  if ((step > 0) != (limit > start) && limit != start) {
    return absl::InvalidArgumentError("the step does not lead from the start to the limit.");
  }
  const double count = std::ceil((limit - start) / step);
  // Beyond 2^53 neighbouring numbers are the same double, and nobody counts there.
  if (!(count < 1e9) || std::fabs(start) > 9007199254740992.0 ||
      std::fabs(limit) > 9007199254740992.0) {
    return absl::ResourceExhaustedError("the range has too many elements.");
  }
  const uint64_t elements = count > 0 ? static_cast<uint64_t>(count) : 0;
  CLOISTER_RETURN_IF_ERROR(call.budget->Spend(elements * Value().weight()));
  Value::Elements numbers;
  numbers.reserve(elements);
  for (uint64_t i = 0; i < elements; ++i) {
    numbers.push_back(Value::Number(start + static_cast<double>(i) * step));
  }
  return Value::Tuple(std::move(numbers));
}

absl::StatusOr<Value> Reverse(const FunctionCall& call) {
  const Value::Elements& elements = call.arguments[0].elements();
  return Value::Tuple({elements.rbegin(), elements.rend()});
}

absl::StatusOr<Value> Slice(const FunctionCall& call) {
  const Value::Elements& elements = call.arguments[0].elements();
  const int64_t start = call.arguments[1].integer();
  const int64_t end = call.arguments[2].integer();
  if (start < 0 || end < start || static_cast<uint64_t>(end) > elements.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the start must be from 0 to the end, and the end at most the length, which is ",
        elements.size(), "."));
  }
  return Value::Tuple({elements.begin() + start, elements.begin() + end});
}

absl::StatusOr<Value> Sort(const FunctionCall& call) {
  std::vector<std::string> texts;
  for (const Value& element : call.arguments[0].elements()) {
    absl::optional<std::string> text = element.ToText();
    if (!text) return WrongElement("a string", element);
    texts.push_back(*std::move(text));
  }
  std::sort(texts.begin(), texts.end());
  Value::Elements sorted;
  for (std::string& text : texts) sorted.push_back(Value::String(std::move(text)));
  return Value::Tuple(std::move(sorted));
}

absl::StatusOr<Value> ZipMap(const FunctionCall& call) {
  const Value::Elements& keys = call.arguments[0].elements();
  const Value::Elements& values = call.arguments[1].elements();
  if (keys.size() != values.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("there are ", keys.size(), " keys, but ", values.size(), " values."));
  }
  Value::Attributes attributes;
  for (size_t i = 0; i < keys.size(); ++i) {
    absl::optional<std::string> key = keys[i].ToText();
    if (!key) return WrongElement("a string", keys[i]);
    attributes.insert_or_assign(*std::move(key), values[i]);
  }
  return Value::Object(std::move(attributes));
}

constexpr bool kTakesDeferred = true;

constexpr Function kFunctions[] = {
    {"alltrue", "alltrue(list)", "l", AllTrue},
    {"anytrue", "anytrue(list)", "l", AnyTrue},
    {"chunklist", "chunklist(list, size)", "li", ChunkList, kTakesDeferred},
    {"coalesce", "coalesce(value...)", "..*", Coalesce, kTakesDeferred},
    {"coalescelist", "coalescelist(list...)", "ll*", CoalesceList, kTakesDeferred},
    {"compact", "compact(list)", "l", Compact},
    {"concat", "concat(list...)", "ll*", Concat, kTakesDeferred},
    {"element", "element(list, index)", "li", Element, kTakesDeferred},
    {"flatten", "flatten(list)", "l", Flatten, kTakesDeferred},
    {"index", "index(list, value)", "l.", Index},
    {"keys", "keys(object)", "m", Keys, kTakesDeferred},
    {"length", "length(value)", ".", Length},
    {"lookup", "lookup(object, key, default)", "ms.?", Lookup},
    {"merge", "merge(object...)", "..*", Merge, kTakesDeferred},
    {"range", "range(start, limit, step)", "nn*", Range},
    {"reverse", "reverse(list)", "l", Reverse, kTakesDeferred},
    {"slice", "slice(list, start, end)", "lii", Slice, kTakesDeferred},
    {"sort", "sort(list)", "l", Sort},
    {"values", "values(object)", "m", Values, kTakesDeferred},
    {"zipmap", "zipmap(keys, values)", "ll", ZipMap},
};

}  // namespace

absl::Span<const Function> CollectionFunctions() { return kFunctions; }

}  // namespace cloister::hcl
