#include "tools/cloister/terminal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "libs/base/owned_fd.h"

namespace cloister {
namespace {

OwnedFd OpenPseudoTerminal() {
  OwnedFd fd(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  return fd;
}

TEST(Terminal, AFileIsPlainAndWide) {
  OwnedFd file(open("/dev/null", O_WRONLY | O_CLOEXEC));
  const Terminal terminal = DetectTerminal(file.get(), nullptr, "xterm");
  EXPECT_FALSE(terminal.is_terminal);
  EXPECT_EQ(terminal.Paint(Color::kRed, "text"), "text");
  EXPECT_EQ(terminal.columns, 100u);
}

TEST(Terminal, ATerminalHasColorsUnlessNoColorSaysOtherwise) {
  OwnedFd fd = OpenPseudoTerminal();
  ASSERT_TRUE(fd.valid());
  EXPECT_EQ(DetectTerminal(fd.get(), nullptr, "xterm").Paint(Color::kRed, "text"),
            "\x1b[31mtext\x1b[0m");
  EXPECT_EQ(DetectTerminal(fd.get(), "", "xterm").Paint(Color::kPlain, "text"), "text");
  EXPECT_TRUE(DetectTerminal(fd.get(), "", "xterm").colors);
  EXPECT_FALSE(DetectTerminal(fd.get(), "1", "xterm").colors);
  EXPECT_FALSE(DetectTerminal(fd.get(), nullptr, "dumb").colors);
  EXPECT_FALSE(DetectTerminal(fd.get(), nullptr, nullptr).colors);
}

TEST(Printable, ShowsControlCharactersInsteadOfSendingThem) {
  EXPECT_EQ(Printable("a\x1b[31mb\r\n\t\x7f"), "a\\x1b[31mb\\x0d\\n\\t\\x7f");
  EXPECT_EQ(Printable("\xc2\x9b"), "\\xc2\\x9b");
  EXPECT_EQ(Printable("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
}

}  // namespace
}  // namespace cloister
