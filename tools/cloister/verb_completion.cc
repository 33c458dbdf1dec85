#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "tools/cloister/verb.h"

namespace cloister {
namespace {

// The script asks the cluster for ids itself; verbs and flags are written into it.
constexpr absl::string_view kScript =
    R"bash(# Completion of `cloister` for bash: source <(cloister completion bash)
_cloister() {
  local cur=${COMP_WORDS[COMP_CWORD]} verb='' word i flags='' ids=''
  local valued=' @VALUED@ '
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    # Behind -- stands someone else's command line.
    [[ $word == -- ]] && { COMPREPLY=($(compgen -o default -- "$cur")); return; }
    [[ $valued == *" $word "* ]] && { i=$((i + 1)); continue; }
    [[ $word == -* ]] && continue
    [[ -z $verb || $verb == node || $verb == dev || $verb == job ]] && verb=${verb:+$verb }$word
  done
  case $verb in
@CASES@
    *) COMPREPLY=($(compgen -W "@VERBS@" -- "$cur")); return ;;
  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
  elif [[ $ids == task ]]; then
    COMPREPLY=($(compgen -W "$("$1" ps --all --quiet 2>/dev/null)" -- "$cur"))
  elif [[ $ids == node ]]; then
    COMPREPLY=($(compgen -W "$("$1" node ls --quiet 2>/dev/null)" -- "$cur"))
  elif [[ -n $ids ]]; then
    COMPREPLY=($(compgen -W "$ids" -- "$cur"))
  else
    COMPREPLY=($(compgen -o default -- "$cur"))
  fi
}
complete -o filenames -F _cloister cloister
)bash";

struct FlagWords {
  std::string all;
  // Those that take the next word as their value.
  std::set<std::string> valued;
};

FlagWords FlagsOf(Verb* verb) {
  FlagSet flags;
  verb->DeclareFlags(&flags);
  ServerFlags server;
  server.Declare(&flags);
  FlagWords words;
  for (const FlagSet::Flag& flag : flags.flags()) {
    const std::string name = absl::StrCat("--", flag.name);
    absl::StrAppend(&words.all, name, " ");
    if (flag.placeholder.empty()) continue;
    words.valued.insert(name);
    if (flag.letter != 0) words.valued.insert({'-', flag.letter});
  }
  absl::StrAppend(&words.all, "--help");
  return words;
}

class CompletionVerb : public Verb {
 public:
  explicit CompletionVerb(const std::vector<std::unique_ptr<Verb>>* verbs) : verbs_(verbs) {}

  absl::string_view name() const override { return "completion"; }
  absl::string_view arguments() const override { return "bash"; }
  absl::string_view summary() const override {
    return "Print a completion script: source <(cloister completion bash)";
  }
  absl::string_view completes() const override { return "bash"; }

  void DeclareFlags(FlagSet*) override {}

  absl::StatusOr<int> Run(const std::vector<std::string>& arguments, Session*) override {
    absl::Status expected = ExpectArguments(arguments, {"bash"});
    if (!expected.ok()) return expected;
    if (arguments[0] != "bash") {
      return absl::InvalidArgumentError(
          absl::StrCat("no completion for '", arguments[0], "'; there is one for bash"));
    }
    std::vector<std::string> cases;
    std::vector<std::string> first_words;
    std::set<std::string> valued;
    for (const std::unique_ptr<Verb>& verb : *verbs_) {
      const FlagWords flags = FlagsOf(verb.get());
      valued.insert(flags.valued.begin(), flags.valued.end());
      cases.push_back(absl::StrCat("    '", verb->name(), "') flags='", flags.all, "' ids='",
                                   verb->completes(), "' ;;"));
      const std::string first(verb->name().substr(0, verb->name().find(' ')));
      if (first_words.empty() || first_words.back() != first) first_words.push_back(first);
    }
    cases.push_back("    node) ids='ls status' ;;");
    cases.push_back("    job) ids='init' ;;");
    absl::Status printed =
        Print(absl::StrReplaceAll(kScript, {{"@CASES@", absl::StrJoin(cases, "\n")},
                                            {"@VERBS@", absl::StrJoin(first_words, " ")},
                                            {"@VALUED@", absl::StrJoin(valued, " ")}}));
    if (!printed.ok()) return printed;
    return 0;
  }

 private:
  const std::vector<std::unique_ptr<Verb>>* const verbs_;
};

}  // namespace

std::unique_ptr<Verb> MakeCompletionVerb(const std::vector<std::unique_ptr<Verb>>* verbs) {
  return std::make_unique<CompletionVerb>(verbs);
}

}  // namespace cloister
