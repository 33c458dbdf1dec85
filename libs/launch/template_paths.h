// Paths inside the root template that the mask mounts of a task use as their source. They are ours
// and read-only.
#ifndef CLOISTER_LIBS_LAUNCH_TEMPLATE_PATHS_H_
#define CLOISTER_LIBS_LAUNCH_TEMPLATE_PATHS_H_

namespace cloister {
namespace launch {

constexpr const char kTemplateNull[] = "/dev/null";
constexpr const char kTemplateEmptyDirectory[] = "/dev/.empty";

}  // namespace launch
}  // namespace cloister

#endif  // CLOISTER_LIBS_LAUNCH_TEMPLATE_PATHS_H_
