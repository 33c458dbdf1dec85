// Page tokens of list calls: where the next page begins, bound to the query and to who asked.
//
//   const std::string query = PageQuery(request);  // The same for each page of one list.
//   CLOISTER_ASSIGN_OR_RETURN(std::string after,
//                             ParsePageToken(request.page_token(), query, principal));
//   ... the items that come after `after`, in order of their keys ...
//   response->set_next_page_token(more ? MakePageToken(last_key, query, principal) : "");
//
// A token is opaque text, not a secret: it shows its holder nothing that the page before did not,
// and a forged one gives a page that its forger may see anyway. The binding is for the client that
// mixes up two lists.
#ifndef CLOISTER_LIBS_RPC_PAGE_TOKEN_H_
#define CLOISTER_LIBS_RPC_PAGE_TOKEN_H_

#include <google/protobuf/message.h>

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cloister::rpc {

inline constexpr int kDefaultPageSize = 100;
inline constexpr int kMaxPageSize = 1000;

// How many items a page has: 0 asks for kDefaultPageSize, more than kMaxPageSize for that. A
// negative number is INVALID_ARGUMENT.
absl::StatusOr<size_t> PageSize(int requested);

// What a list request asks for, its fields page_size and page_token aside.
std::string PageQuery(const google::protobuf::Message& request);

// `last_key`: any bytes but none at all; the key of the page's last item.
std::string MakePageToken(absl::string_view last_key, absl::string_view query,
                          absl::string_view principal);

// The last_key of the page before; empty for an empty token, which asks for the first page.
// INVALID_ARGUMENT (field page_token) for what MakePageToken() did not give for the same query and
// principal.
absl::StatusOr<std::string> ParsePageToken(absl::string_view token, absl::string_view query,
                                           absl::string_view principal);

}  // namespace cloister::rpc

#endif  // CLOISTER_LIBS_RPC_PAGE_TOKEN_H_
