#include "libs/hcl/type_constraint.h"

#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "libs/base/status_annotation.h"
#include "libs/base/status_macros.h"
#include "libs/hcl/json_text.h"
#include "libs/hcl/parser.h"

namespace cloister::hcl {
namespace {

using Kind = TypeConstraint::Kind;

constexpr int kDeepestType = 20;

absl::nullopt_t InvalidType(absl::string_view detail, const SourceRange& range,
                            Diagnostics& diagnostics) {
  diagnostics.AddError("Invalid type specification", detail, range);
  return absl::nullopt;
}

absl::optional<TypeConstraint> ParseName(const VariableExpression& name, const SourceRange& range,
                                         Diagnostics& diagnostics) {
  TypeConstraint type;
  if (name.name == "string") {
    type.kind = Kind::kString;
  } else if (name.name == "number") {
    type.kind = Kind::kNumber;
  } else if (name.name == "bool") {
    type.kind = Kind::kBool;
  } else if (name.name == "list" || name.name == "set" || name.name == "map") {
    // list alone is list(any).
    type.kind = name.name == "list" ? Kind::kList : name.name == "set" ? Kind::kSet : Kind::kMap;
    type.elements.emplace_back();
  } else if (name.name != "any") {
    return InvalidType(
        absl::StrCat("\"", name.name,
                     "\" is no type: there are string, number, bool, any, list(...), set(...), "
                     "map(...), tuple([...]) and object({...})."),
        range, diagnostics);
  }
  return type;
}

absl::optional<TypeConstraint> ParseObjectType(const Expression& expression,
                                               Diagnostics& diagnostics) {
  const auto* object = absl::get_if<ObjectExpression>(&expression.node);
  if (object == nullptr) {
    return InvalidType("object has the attributes and their types: object({name = string}).",
                       expression.range, diagnostics);
  }
  TypeConstraint type;
  type.kind = Kind::kObject;
  for (const ObjectExpression::Item& item : object->items) {
    const auto* key = absl::get_if<LiteralExpression>(&item.key->node);
    if (key == nullptr || !key->value.IsString()) {
      return InvalidType("The name of an attribute is a name or a string.", item.key->range,
                         diagnostics);
    }
    const Expression* attribute_type = item.value.get();
    const auto* call = absl::get_if<CallExpression>(&attribute_type->node);
    if (call != nullptr && call->name == "optional" && call->arguments.size() == 1) {
      type.optional_attributes[key->value.text()] = true;
      attribute_type = call->arguments[0].get();
    }
    absl::optional<TypeConstraint> parsed = ParseTypeConstraint(*attribute_type, diagnostics);
    if (!parsed) return absl::nullopt;
    if (!type.attributes.emplace(key->value.text(), *std::move(parsed)).second) {
      return InvalidType("The attribute is there twice.", item.key->range, diagnostics);
    }
  }
  return type;
}

absl::optional<TypeConstraint> ParseTupleType(const Expression& expression,
                                              Diagnostics& diagnostics) {
  const auto* tuple = absl::get_if<TupleExpression>(&expression.node);
  if (tuple == nullptr) {
    return InvalidType("tuple has a list of types: tuple([string, number]).", expression.range,
                       diagnostics);
  }
  TypeConstraint type;
  type.kind = Kind::kTuple;
  for (const ExpressionPointer& element : tuple->elements) {
    absl::optional<TypeConstraint> parsed = ParseTypeConstraint(*element, diagnostics);
    if (!parsed) return absl::nullopt;
    type.elements.push_back(*std::move(parsed));
  }
  return type;
}

absl::optional<TypeConstraint> ParseCall(const CallExpression& call, const SourceRange& range,
                                         Diagnostics& diagnostics) {
  const bool collection = call.name == "list" || call.name == "set" || call.name == "map";
  if (!collection && call.name != "object" && call.name != "tuple") {
    return InvalidType(absl::StrCat("There is no type \"", call.name, "(...)\"."), call.name_range,
                       diagnostics);
  }
  if (call.arguments.size() != 1 || call.expand_last) {
    return InvalidType(absl::StrCat(call.name, " has one argument."), range, diagnostics);
  }
  if (call.name == "object") return ParseObjectType(*call.arguments[0], diagnostics);
  if (call.name == "tuple") return ParseTupleType(*call.arguments[0], diagnostics);
  absl::optional<TypeConstraint> element = ParseTypeConstraint(*call.arguments[0], diagnostics);
  if (!element) return absl::nullopt;
  TypeConstraint type;
  type.kind = call.name == "list" ? Kind::kList : call.name == "set" ? Kind::kSet : Kind::kMap;
  type.elements.push_back(*std::move(element));
  return type;
}

// A type as a string. What is wrong is said of the whole: its places are not those of the file.
absl::optional<TypeConstraint> ParseText(const std::string& text, const SourceRange& range,
                                         Diagnostics& diagnostics) {
  Diagnostics found(1);
  const ExpressionPointer expression = ParseSingleExpression({text}, kDeepestType, found);
  absl::optional<TypeConstraint> type;
  if (expression != nullptr && !absl::holds_alternative<LiteralExpression>(expression->node)) {
    type = ParseTypeConstraint(*expression, found);
  }
  if (type) return type;
  return InvalidType(found.kept().empty() ? "The string holds no type." : found.kept()[0].detail,
                     range, diagnostics);
}

// --- Conversion ----------------------------------------------------------------------------------

absl::Status Required(absl::string_view what, const Value& value) {
  return absl::InvalidArgumentError(
      absl::StrCat(what, " is required, not ", KindInWords(value.kind())));
}

absl::StatusOr<Value> ConvertList(const Value& value, const TypeConstraint& type) {
  if (!value.IsTuple()) return Required("a list", value);
  const bool is_tuple = type.kind == Kind::kTuple;
  if (is_tuple && type.elements.size() != value.elements().size()) {
    return absl::InvalidArgumentError(absl::StrCat("a list of ", type.elements.size(),
                                                   " elements is required, not of ",
                                                   value.elements().size()));
  }
  Value::Elements elements;
  std::set<std::string> seen;
  for (size_t i = 0; i < value.elements().size(); ++i) {
    absl::StatusOr<Value> element =
        ConvertToType(value.elements()[i], type.elements[is_tuple ? i : 0]);
    CLOISTER_RETURN_IF_ERROR(Annotate(element.status(), "element ", i));
    if (type.kind == Kind::kSet && !seen.insert(JsonText(*element)).second) continue;
    elements.push_back(*std::move(element));
  }
  return Value::Tuple(std::move(elements));
}

absl::StatusOr<Value> ConvertMap(const Value& value, const TypeConstraint& type) {
  if (!value.IsObject()) return Required("a map", value);
  Value::Attributes attributes;
  for (const auto& [key, attribute] : value.attributes()) {
    absl::StatusOr<Value> element = ConvertToType(attribute, type.elements[0]);
    CLOISTER_RETURN_IF_ERROR(Annotate(element.status(), "element \"", key, "\""));
    attributes.emplace(key, *std::move(element));
  }
  return Value::Object(std::move(attributes));
}

// What the type does not name is left out, as HCL does.
absl::StatusOr<Value> ConvertObject(const Value& value, const TypeConstraint& type) {
  if (!value.IsObject()) return Required("an object", value);
  Value::Attributes attributes;
  for (const auto& [name, attribute_type] : type.attributes) {
    const Value* attribute = value.Find(name);
    if (attribute == nullptr && type.optional_attributes.count(name) == 0) {
      return absl::InvalidArgumentError(absl::StrCat("attribute \"", name, "\" is required"));
    }
    absl::StatusOr<Value> converted =
        ConvertToType(attribute == nullptr ? Value() : *attribute, attribute_type);
    CLOISTER_RETURN_IF_ERROR(Annotate(converted.status(), "attribute \"", name, "\""));
    attributes.emplace(name, *std::move(converted));
  }
  return Value::Object(std::move(attributes));
}

}  // namespace

absl::optional<TypeConstraint> ParseTypeConstraint(const Expression& expression,
                                                   Diagnostics& diagnostics) {
  if (const auto* name = absl::get_if<VariableExpression>(&expression.node)) {
    return ParseName(*name, expression.range, diagnostics);
  }
  if (const auto* call = absl::get_if<CallExpression>(&expression.node)) {
    return ParseCall(*call, expression.range, diagnostics);
  }
  // In JSON, and in older files, the type is text.
  if (const auto* literal = absl::get_if<LiteralExpression>(&expression.node)) {
    if (literal->value.IsString())
      return ParseText(literal->value.text(), expression.range, diagnostics);
  }
  return InvalidType("A type is a name, as string, or a name with an argument, as list(string).",
                     expression.range, diagnostics);
}

absl::StatusOr<Value> ConvertToType(const Value& value, const TypeConstraint& type) {
  if (value.IsNull() || type.kind == Kind::kAny) return value;
  switch (type.kind) {
    case Kind::kString: {
      if (value.IsString()) return value;
      absl::optional<std::string> text = value.ToText();
      if (!text) return Required("a string", value);
      return Value::String(*std::move(text));
    }
    case Kind::kNumber: {
      const absl::optional<Value> number = value.ToNumber();
      if (!number) return Required("a number", value);
      return *number;
    }
    case Kind::kBool: {
      const absl::optional<bool> truth = value.ToBool();
      if (!truth) return Required("a bool", value);
      return Value::Bool(*truth);
    }
    case Kind::kList:
    case Kind::kSet:
    case Kind::kTuple:
      return ConvertList(value, type);
    case Kind::kMap:
      return ConvertMap(value, type);
    default:
      return ConvertObject(value, type);
  }
}

}  // namespace cloister::hcl
