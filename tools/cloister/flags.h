// The flags of one verb: declared with a variable each, then parsed from the words after the verb.
//
// Takes `--name=value`, `--name value`, `--switch`, `--switch=false`, one-letter names (`-f`),
// repeated flags, and `--`, after which nothing is a flag. In a flag's name '-' and '_' are the
// same. absl flags know one list of flags per program; a program with verbs needs one per verb.
#ifndef CLOISTER_TOOLS_CLOISTER_FLAGS_H_
#define CLOISTER_TOOLS_CLOISTER_FLAGS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace cloister {

class FlagSet {
 public:
  struct Flag {
    std::string name;
    // One letter, or 0.
    char letter = 0;
    // What stands for the value in help texts; empty for a switch.
    std::string placeholder;
    std::string help;
    // Takes the value; a switch gets "true" or "false". The error says what is wrong with the
    // value, without the name.
    std::function<absl::Status(const std::string& value)> set;
  };

  FlagSet() = default;
  FlagSet(const FlagSet&) = delete;
  FlagSet& operator=(const FlagSet&) = delete;

  // The variables outlive the set and keep what they hold when the flag is not given. A flag given
  // twice: the last one counts, except for repeated ones.
  void Switch(absl::string_view name, bool* variable, absl::string_view help, char letter = 0);
  void Text(absl::string_view name, std::string* variable, absl::string_view placeholder,
            absl::string_view help, char letter = 0);
  // One of `choices`.
  void Choice(absl::string_view name, std::string* variable, std::vector<std::string> choices,
              absl::string_view help);
  // A number between min and max, both included.
  void Number(absl::string_view name, absl::optional<int64_t>* variable, int64_t min, int64_t max,
              absl::string_view placeholder, absl::string_view help);
  // "5s", "1m30s", "500ms", or a number of seconds. Not negative.
  void Duration(absl::string_view name, absl::optional<absl::Duration>* variable,
                absl::string_view help);
  void Repeated(absl::string_view name, std::vector<std::string>* variable,
                absl::string_view placeholder, absl::string_view help, char letter = 0);
  // The general form.
  void Add(Flag flag);

  // Words are a command line of someone else's from the first word on that is no flag: `run /bin/ls
  // -l`. Parse sets `behind_dashes`, if given, to whether `--` stands before it.
  void StopAtFirstArgument(bool* behind_dashes = nullptr) {
    stop_at_first_argument_ = true;
    behind_dashes_ = behind_dashes;
  }

  // Sets the variables and returns the words that are no flags. INVALID_ARGUMENT says which flag is
  // wrong and why; an unknown one comes with the nearest that exists.
  absl::StatusOr<std::vector<std::string>> Parse(const std::vector<std::string>& words) const;

  const std::vector<Flag>& flags() const { return flags_; }

  // One or more lines for each flag, aligned, each at most `columns` wide.
  std::string Help(size_t columns) const;

 private:
  const Flag* Find(absl::string_view name) const;
  const Flag* FindLetter(char letter) const;
  absl::Status Unknown(absl::string_view name) const;
  // Consumes the flag at words[*index] and its value.
  absl::Status ParseLong(const std::vector<std::string>& words, size_t* index) const;
  absl::Status ParseLetters(const std::vector<std::string>& words, size_t* index) const;

  std::vector<Flag> flags_;
  bool stop_at_first_argument_ = false;
  bool* behind_dashes_ = nullptr;
};

// "1m30s", "500ms", or a number of seconds; not negative, finite.
absl::StatusOr<absl::Duration> ParseDuration(const std::string& text);

// The one of `candidates` that is nearest to `word` by edit distance; empty when none is near
// enough to be meant.
std::string NearestWord(absl::string_view word, const std::vector<std::string>& candidates);

}  // namespace cloister

#endif  // CLOISTER_TOOLS_CLOISTER_FLAGS_H_
