// The verbs of the payload `attack`, one for each kind of attack. Each says what it got at, as
// "NAME NUMBER" lines, and leaves it to the test, which knows what it planted, to judge.
#ifndef CLOISTER_TESTS_PAYLOADS_ATTACK_H_
#define CLOISTER_TESTS_PAYLOADS_ATTACK_H_

namespace cloister {
namespace attack {

// Arguments without the verb. Each returns the exit code.

// reach PATH...: opens each path of the host by all ways that might lead out of the root; makes an
// entry in what is a directory. "tried N", "reached N", and a line for each that it reached.
int Reach(int argc, char** argv);
// writable DIRECTORY...: opens all files beneath for writing, and writes nothing. "checked N", and
// "open PATH" for each that let itself be opened.
int Writable(int argc, char** argv);
// mounts: makes, changes and moves mounts, leaves the root, makes device nodes. "NAME ERRNO" each.
int Mounts(int argc, char** argv);

// flip ONE OTHER STOP: says "flipping", and exchanges the two names until a file STOP is there.
// "flips N".
int Flip(int argc, char** argv);

// hunt [STOP]: goes at every process in sight that is not its own, until a file STOP is there, or
// once: traces it, opens its memory, environment, program, root, directory and descriptors, takes
// and overwrites them. "NAME SUCCESSES" each, and "rounds N".
int Hunt(int argc, char** argv);
// signal PID...: signals these pids by all calls, and everybody. "signalled N" of those pids.
int Signal(int argc, char** argv);
// victim: counts the signals that come until its stdin ends. "signals N".
int Victim(int argc, char** argv);

// ipc-hold KEY NAME: makes one of each thing that processes can share, open to all, with a secret
// in it; says "ready" and waits.
int IpcHold(int argc, char** argv);
// ipc KEY NAME: opens each of them. "NAME ERRNO".
int Ipc(int argc, char** argv);

// flood KIND MOST [DIRECTORY]: takes as much of it as the kernel gives, at most MOST, says
// "KIND HOW-MANY ERRNO-NAME" and keeps it.
int Flood(int argc, char** argv);

}  // namespace attack
}  // namespace cloister

#endif  // CLOISTER_TESTS_PAYLOADS_ATTACK_H_
