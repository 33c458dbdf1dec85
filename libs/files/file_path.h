// Paths of the file API, as bytes: what can be refused before anything is touched. What a path
// leads to is for openat2(2) to say.
#ifndef CLOISTER_LIBS_FILES_FILE_PATH_H_
#define CLOISTER_LIBS_FILES_FILE_PATH_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "libs/base/field_violations.h"

namespace cloister::files {

// Absolute, at most 4095 bytes, without NUL. Adds what is wrong to `violations`.
void CheckPath(absl::string_view field, absl::string_view path,
               std::vector<FieldViolation>* violations);

// Of a file that is to be made: also without ".." and with a name at its end, and beneath one of
// the task's own directories.
void CheckNewPath(absl::string_view field, absl::string_view path,
                  std::vector<FieldViolation>* violations);

// What follows the last slash, trailing ones aside; "/" of the root.
absl::string_view NameOf(absl::string_view path);

// For people: printable, reversible. What is no UTF-8, a control character or a backslash stands as
// \xNN, \n, \\ and so on.
std::string ShownPath(absl::string_view path);

}  // namespace cloister::files

#endif  // CLOISTER_LIBS_FILES_FILE_PATH_H_
