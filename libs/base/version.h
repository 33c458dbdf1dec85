// The version of this build, one for all of Cloister's programs: in `cloister version`, in
// Node.version and in records. Not for decisions: what a peer can do, its messages say.

#ifndef CLOISTER_LIBS_BASE_VERSION_H_
#define CLOISTER_LIBS_BASE_VERSION_H_

namespace cloister {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace cloister

#endif  // CLOISTER_LIBS_BASE_VERSION_H_
