// Early return on error.

#ifndef CLOISTER_LIBS_BASE_STATUS_MACROS_H_
#define CLOISTER_LIBS_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Evaluates an expression of type absl::Status and returns it from the function if it is an error.
// The function returns absl::Status or absl::StatusOr<T>. To add context, wrap the expression in
// Annotate() of status_annotation.h.
//
//   CLOISTER_RETURN_IF_ERROR(WriteRecord(dir, record));
#define CLOISTER_RETURN_IF_ERROR(expression)                                \
  do {                                                                      \
    if (absl::Status cloister_status = (expression); !cloister_status.ok()) \
      return cloister_status;                                               \
  } while (false)

// Evaluates an expression of type absl::StatusOr<T>; returns its error, or assigns its value to
// `target`, which may declare a variable. A type with a comma in it needs a name (or auto).
//
//   CLOISTER_ASSIGN_OR_RETURN(OwnedFd dir, OpenDirectory(path));
#define CLOISTER_ASSIGN_OR_RETURN(target, expression)                                             \
  CLOISTER_ASSIGN_OR_RETURN_IMPL_(CLOISTER_STATUS_CONCAT_(cloister_status_or_, __LINE__), target, \
                                  expression)

// `target` may be a declaration, so it cannot stand in parentheses.
// NOLINTBEGIN(bugprone-macro-parentheses)
#define CLOISTER_ASSIGN_OR_RETURN_IMPL_(result, target, expression) \
  auto result = (expression);                                       \
  if (!result.ok()) return std::move(result).status();              \
  target = *std::move(result)
// NOLINTEND(bugprone-macro-parentheses)

#define CLOISTER_STATUS_CONCAT_(a, b) CLOISTER_STATUS_CONCAT_IMPL_(a, b)
#define CLOISTER_STATUS_CONCAT_IMPL_(a, b) a##b

#endif  // CLOISTER_LIBS_BASE_STATUS_MACROS_H_
