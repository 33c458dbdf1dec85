#include "libs/hcl/variables.h"

#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libs/hcl/parser.h"
#include "libs/hcl/references.h"
#include "libs/hcl/suggestion.h"
#include "libs/hcl/type_constraint.h"
#include "libs/hcl/unicode.h"

namespace cloister::hcl {
namespace {

constexpr int kGivenValueDepth = 50;
constexpr size_t kGivenValueBytes = 1 << 20;
// Of a cycle, in a message.
constexpr size_t kShownLocals = 10;

// --- variable ------------------------------------------------------------------------------------

class VariableReader {
 public:
  VariableReader(const std::vector<GivenVariable>& given, EvaluationScope& scope,
                 Diagnostics& diagnostics)
      : scope_(scope), diagnostics_(diagnostics) {
    for (const GivenVariable& variable : given) {
      if (!given_.emplace(variable.name, &variable).second) {
        diagnostics_.AddError(
            "Variable given twice",
            absl::StrCat("There are two values for the variable \"", variable.name, "\"."),
            absl::nullopt);
      }
    }
  }

  void Read(const Block& block);

  Value Finish() {
    CheckAllDeclared();
    return Value::Object(std::move(values_));
  }

 private:
  absl::optional<Value> ReadValue(const std::string& name, const Block& block,
                                  const BodyContent& content);
  absl::optional<Value> ReadGiven(const GivenVariable& given, const TypeConstraint& type);
  // A value of the command line, as what it is before it gets its type.
  absl::optional<Value> ReadText(const std::string& name, const std::string& text,
                                 const TypeConstraint& type);
  absl::optional<Value> ReadDefault(const Attribute& attribute, const TypeConstraint& type);
  void CheckAllDeclared();
  absl::nullopt_t InvalidGiven(const std::string& name, absl::string_view detail) {
    diagnostics_.AddError("Invalid value for variable",
                          absl::StrCat("The value given for \"", name, "\" is not valid: ", detail),
                          absl::nullopt);
    return absl::nullopt;
  }

  EvaluationScope& scope_;
  Diagnostics& diagnostics_;
  std::map<std::string, const GivenVariable*> given_;
  std::map<std::string, int> declared_on_line_;
  Value::Attributes values_;
};

void VariableReader::Read(const Block& block) {
  const std::string& name = block.labels[0];
  const auto [first, is_new] = declared_on_line_.emplace(name, block.type_range.start.line);
  if (!is_new) {
    diagnostics_.AddError("Duplicate variable",
                          absl::StrCat("The variable \"", name, "\" was already declared on line ",
                                       first->second, "."),
                          block.head_range);
    return;
  }
  const BodySchema schema = {{{"type"}, {"default"}, {"description"}}, {}};
  const BodyContent content = block.body.Content(schema, diagnostics_);
  if (const Attribute* description = content.Find("description")) {
    EvaluateText(*description, scope_, diagnostics_);
  }
  absl::optional<Value> value = ReadValue(name, block, content);
  if (value) {
    values_.emplace(name, *std::move(value));
  } else {
    scope_.SetInvalid("var", name);
  }
}

absl::optional<Value> VariableReader::ReadValue(const std::string& name, const Block& block,
                                                const BodyContent& content) {
  TypeConstraint type;
  if (const Attribute* attribute = content.Find("type")) {
    absl::optional<TypeConstraint> parsed =
        ParseTypeConstraint(*attribute->expression, diagnostics_);
    if (!parsed) return absl::nullopt;
    type = *std::move(parsed);
  }
  // The default must be right even if it is not used.
  const Attribute* attribute = content.Find("default");
  absl::optional<Value> default_value;
  if (attribute != nullptr) default_value = ReadDefault(*attribute, type);
  const auto given = given_.find(name);
  if (given != given_.end()) return ReadGiven(*given->second, type);
  if (attribute == nullptr) {
    diagnostics_.AddError(
        "No value for required variable",
        absl::StrCat("The variable \"", name,
                     "\" has no default, and no value was given for it: --var ", name, "=..."),
        block.head_range);
  }
  return default_value;
}

absl::optional<Value> VariableReader::ReadDefault(const Attribute& attribute,
                                                  const TypeConstraint& type) {
  const absl::optional<Value> value = Evaluate(*attribute.expression, scope_, diagnostics_);
  if (!value) return absl::nullopt;
  absl::StatusOr<Value> converted = ConvertToType(*value, type);
  if (converted.ok()) return *std::move(converted);
  diagnostics_.AddError("Invalid default value for variable",
                        absl::StrCat("The default is not of the variable's type: ",
                                     converted.status().message(), "."),
                        attribute.ExpressionRange());
  return absl::nullopt;
}

absl::optional<Value> VariableReader::ReadText(const std::string& name, const std::string& text,
                                               const TypeConstraint& type) {
  if (text.size() > kGivenValueBytes) return InvalidGiven(name, "it is too long.");
  if (FindInvalidUtf8(text) || text.find('\0') != std::string::npos) {
    return InvalidGiven(name, "it is no text in UTF-8.");
  }
  if (type.kind == TypeConstraint::Kind::kString || type.kind == TypeConstraint::Kind::kAny) {
    return Value::String(text);
  }
  // Literals only: no names, no functions.
  Diagnostics found(1);
  absl::optional<Value> parsed;
  const ExpressionPointer expression = ParseSingleExpression({text}, kGivenValueDepth, found);
  if (expression != nullptr) parsed = Evaluate(*expression, EvaluationScope(), found);
  if (parsed) return parsed;
  return InvalidGiven(name, found.kept().empty() ? "it is no expression." : found.kept()[0].detail);
}

absl::optional<Value> VariableReader::ReadGiven(const GivenVariable& given,
                                                const TypeConstraint& type) {
  const absl::optional<Value> value =
      given.evaluated ? given.evaluated : ReadText(given.name, given.value, type);
  if (!value) return absl::nullopt;
  absl::StatusOr<Value> converted = ConvertToType(*value, type);
  if (converted.ok()) return *std::move(converted);
  return InvalidGiven(given.name, absl::StrCat(converted.status().message(), "."));
}

void VariableReader::CheckAllDeclared() {
  std::vector<absl::string_view> declared;
  for (const auto& [name, line] : declared_on_line_) declared.push_back(name);
  for (const auto& [name, value] : given_) {
    if (declared_on_line_.count(name) > 0) continue;
    diagnostics_.AddError("Undeclared variable",
                          absl::StrCat("A value was given for the variable \"", name,
                                       "\", but the file declares no such variable.",
                                       DidYouMean(name, declared, diagnostics_)),
                          absl::nullopt);
  }
}

// --- locals --------------------------------------------------------------------------------------

class LocalsReader {
 public:
  LocalsReader(EvaluationScope& scope, Diagnostics& diagnostics)
      : scope_(scope), diagnostics_(diagnostics) {}

  void Read(const Block& block);
  Value Finish();

 private:
  struct Local {
    Attribute attribute;
    std::set<std::string> needs;  // Locals that are declared.
    std::set<std::string> needed_by;
    size_t open_needs = 0;
    bool valid = true;
  };

  void FindNeeds();
  void EvaluateLocal(const std::string& name, Local& local);

  EvaluationScope& scope_;
  Diagnostics& diagnostics_;
  std::map<std::string, Local> locals_;
  Value::Attributes values_;
};

void LocalsReader::Read(const Block& block) {
  for (auto& [name, attribute] : block.body.JustAttributes(diagnostics_)) {
    const SourceRange range = attribute.name_range;
    Local local;
    local.attribute = attribute;
    const auto [first, is_new] = locals_.emplace(name, std::move(local));
    if (is_new) continue;
    diagnostics_.AddError(
        "Duplicate local value",
        absl::StrCat("The local value \"", name, "\" was already defined on line ",
                     first->second.attribute.name_range.start.line, "."),
        range);
  }
}

void LocalsReader::FindNeeds() {
  for (auto& [name, local] : locals_) {
    const References references = FindReferences("local", *local.attribute.expression);
    for (const SourceRange& range : references.whole) {
      diagnostics_.AddError("Invalid reference",
                            "\"local\" must be followed by the name of a local value: local.name.",
                            range);
      local.valid = false;
    }
    for (const std::string& needed : references.names) {
      const auto found = locals_.find(needed);
      if (found == locals_.end()) continue;  // Diagnosed where it is evaluated.
      local.needs.insert(needed);
      found->second.needed_by.insert(name);
    }
    local.open_needs = local.needs.size();
  }
}

// Everything that it needs was evaluated.
void LocalsReader::EvaluateLocal(const std::string& name, Local& local) {
  Value::Attributes needed;
  for (const std::string& need : local.needs) {
    const auto value = values_.find(need);
    // Its own errors were diagnosed: those that follow from them are not said.
    if (value == values_.end()) return;
    needed.emplace(need, value->second);
  }
  if (!local.valid) return;
  EvaluationScope scope(&scope_);
  scope.SetVariable("local", Value::Object(std::move(needed)));
  absl::optional<Value> value = Evaluate(*local.attribute.expression, scope, diagnostics_);
  if (value) values_.emplace(name, *std::move(value));
}

// Those that need no other first, then those that need only what is there (Kahn's algorithm).
Value LocalsReader::Finish() {
  FindNeeds();
  std::vector<std::string> ready;
  for (const auto& [name, local] : locals_) {
    if (local.open_needs == 0) ready.push_back(name);
  }
  size_t done = 0;
  for (; done < ready.size(); ++done) {
    const std::string name = ready[done];
    Local& local = locals_.find(name)->second;
    EvaluateLocal(name, local);
    for (const std::string& dependent : local.needed_by) {
      if (--locals_.find(dependent)->second.open_needs == 0) ready.push_back(dependent);
    }
  }
  if (done < locals_.size()) {
    std::vector<std::string> cycle;
    const Local* first = nullptr;
    for (const auto& [name, local] : locals_) {
      if (local.open_needs == 0 || cycle.size() == kShownLocals) continue;
      if (first == nullptr) first = &local;
      cycle.push_back(name);
    }
    diagnostics_.AddError("Cycle of local values",
                          absl::StrCat("These local values depend on themselves, or on some that "
                                       "do: ",
                                       absl::StrJoin(cycle, ", "), "."),
                          first->attribute.name_range);
  }
  for (const auto& [name, local] : locals_) {
    if (values_.find(name) == values_.end()) scope_.SetInvalid("local", name);
  }
  return Value::Object(std::move(values_));
}

}  // namespace

Body DefineVariables(const Body& body, const std::vector<GivenVariable>& given,
                     EvaluationScope& scope, Diagnostics& diagnostics) {
  const BodySchema schema = {{}, {{"variable", {"name"}}, {"locals", {}}}};
  Body rest;
  const BodyContent content = body.PartialContent(schema, diagnostics, &rest);
  VariableReader variables(given, scope, diagnostics);
  for (const Block* block : content.BlocksOfType("variable")) variables.Read(*block);
  scope.SetVariable("var", variables.Finish());
  LocalsReader locals(scope, diagnostics);
  for (const Block* block : content.BlocksOfType("locals")) locals.Read(*block);
  scope.SetVariable("local", locals.Finish());
  return rest;
}

}  // namespace cloister::hcl
