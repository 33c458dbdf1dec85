"""The virtual machine: QEMU's command line, its channels to the host, and the watchdog.

Channels: ttyS0 is the kernel's and init's console, into a file. Four virtio-serial ports are the
guest's /dev/vport0p1 to p4: the program's stdout, its stderr, the result ("start", "exit N") and
one file handed out at the end. Nothing that the program prints can be taken for a result. QEMU's
monitor is on its stdin and stdout, for the post mortem.
"""

import os
import re
import subprocess
import threading
import time

# What QEMU's guest gets, each with its reason.
_KERNEL_ARGUMENTS = [
    "console=ttyS0",  # not "quiet": a boot that hangs would say nothing
    "panic=-1",  # reboot at once, which -no-reboot makes the end
    "oops=panic",
    "unknown_nmi_panic",  # the watchdog's NMI ...
    "panic_print=1",  # ... prints the stack of every task
    "cgroup_no_v1=all",
    "mitigations=off",  # their costs double under emulation; no tenant is in here
    "no_timer_check",  # the check fails on a busy host
    "tsc=reliable",
    "random.trust_cpu=on",
]

# How long a guest that overran its time may take to print its stacks, and how long to begin, where
# it may not have got as far as to take an NMI.
_POST_MORTEM_SECONDS = 20
_SILENT_SECONDS = 5

# What init says on the console.
_STARTS = b"init: starts the program"


class Result:
    """How a run ended. exit_status is None if the guest never said so.

    processors: where they were, if it overran a limit; lines for a person.
    """

    def __init__(self):
        self.exit_status = None
        self.timed_out = False
        self.start_seconds = None
        self.exit_seconds = None
        self.processors = ""


class Machine:
    """One run of one guest.

    Args:
      vmlinuz, initramfs: what it boots.
      console: the file that the kernel's console goes to.
      fetched: the file that the guest's fourth port goes to, or None.
      memory_mib, cpus: what it has.
    """

    def __init__(self, vmlinuz, initramfs, console, fetched=None, memory_mib=1536, cpus=2):
        self._begin = time.monotonic()
        self._console = console
        self._result = Result()
        self._started = threading.Event()
        command = _qemu(vmlinuz, initramfs, console, memory_mib, cpus)
        pipes = [os.pipe() for _ in range(3)]
        for number, (_, write_end) in enumerate(pipes, start=1):
            command += ["-add-fd", "fd=%d,set=%d" % (write_end, number)]
            # append: QEMU would truncate, which a pipe refuses.
            command += _port(number, "/dev/fdset/%d,append=on" % number)
        if fetched:
            command += _port(len(pipes) + 1, fetched)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[write_end for _, write_end in pipes],
        )
        for _, write_end in pipes:
            os.close(write_end)
        out, err, result = (read_end for read_end, _ in pipes)
        self._threads = [
            threading.Thread(target=_copy, args=(out, 1)),
            threading.Thread(target=_copy, args=(err, 2)),
            threading.Thread(target=self._follow, args=(result,)),
            threading.Thread(target=self._listen_to_monitor),
        ]
        for thread in self._threads:
            thread.start()

    def wait(self, start_limit, program_limit, whole_limit):
        """Until the guest has powered off, or has overrun a limit; then it is ended.

        Args:
          start_limit: in seconds from the machine's start to the program's.
          program_limit: in seconds from the program's start, so that a busy host, where a boot
            takes its time, does not count.
          whole_limit: in seconds from the machine's start.
        """
        try:
            started = self._await_start(min(start_limit, whole_limit))
            rest = self._begin + whole_limit - time.monotonic() if started else 0
            self._process.wait(max(0, min(program_limit, rest)))
        except subprocess.TimeoutExpired:
            self._result.timed_out = True
            self._examine()
        finally:
            self.kill()
        for thread in self._threads:
            thread.join()
        # In its last moment, maybe.
        self._look_for_start()
        return self._result

    def kill(self):
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def _await_start(self, limit):
        """Whether the program started, or the machine ended, so soon after the machine's start."""
        end = self._begin + limit
        while not self._started.wait(max(0, min(1, end - time.monotonic()))):
            if self._look_for_start():
                return True
            if time.monotonic() >= end:
                return False
        return True

    def _look_for_start(self):
        """On the console: once in some hundred runs beside other work the port brings no word."""
        if self._console_has(_STARTS):
            self._note_start()
        return self._result.start_seconds is not None

    def _note_start(self):
        if self._result.start_seconds is None:
            self._result.start_seconds = time.monotonic() - self._begin

    def _console_has(self, text):
        try:
            with open(self._console, "rb") as console:
                return text in console.read()
        except FileNotFoundError:
            return False

    def _examine(self):
        try:
            # Twice, which shows whether they move.
            self._process.stdin.write(b"info registers -a\n" * 2 + b"nmi\n")
            self._process.stdin.flush()
            if self._result.start_seconds is not None or not self._is_deaf():
                self._process.wait(_POST_MORTEM_SECONDS)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            pass  # the console has what there is

    def _is_deaf(self):
        """Whether the kernel has not got as far as to take an NMI."""
        try:
            self._process.wait(_SILENT_SECONDS)
            return False
        except subprocess.TimeoutExpired:
            return not self._console_has(b"NMI received")

    def _listen_to_monitor(self):
        # Else it is prompts, and echoes of what was asked.
        wanted = re.compile(r"CPU#|[RE]IP=|CR0=")
        with self._process.stdout as lines:
            for line in lines:
                text = line.decode("ascii", "replace").rstrip()
                if wanted.match(text):
                    self._result.processors += text + "\n"

    def _follow(self, read_end):
        with os.fdopen(read_end, encoding="ascii", errors="replace") as lines:
            for line in lines:
                words = line.split()
                if words == ["start"]:
                    self._note_start()
                    self._started.set()
                elif len(words) == 2 and words[0] == "exit" and words[1].isdigit():
                    self._result.exit_seconds = time.monotonic() - self._begin
                    self._result.exit_status = int(words[1])
        self._started.set()  # or will not: the machine has ended


def console_excerpt(console, lines=40):
    """What a person wants of a console: its end; of a post mortem, where each process was."""
    with open(console, encoding="utf-8", errors="replace") as content:
        text = re.sub(r"(?m)^\[ *[0-9.]+\] ", "", content.read().replace("\r", ""))
    before, *tasks = re.split(r"(?m)^(?=task:)", text)
    end = before.split("Uhhuh. NMI received")[0].splitlines()[-lines:]
    for task in tasks:
        heading, *frames = task.splitlines()
        # 2 is kthreadd, the parent of the kernel's own threads, itself a child of 0.
        if not re.search(r"ppid:[02]\b", heading):
            end.append(heading)
            # Neither "? frame" (a guess) nor registers.
            end += [frame for frame in frames if re.match(r" \w\S*\+0x", frame)]
    return "\n".join(end)


def _qemu(vmlinuz, initramfs, console, memory_mib, cpus):
    # KVM only when asked for: where it is nested it may accept a guest and then never run it.
    accelerator = os.environ.get("CLOISTER_VM_ACCEL", "tcg")
    return [
        # The machine ends with its runner, however that ends.
        *["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-nodefaults"],
        *["-no-user-config", "-display", "none", "-no-reboot"],
        *["-machine", "q35", "-accel", accelerator],
        *["-cpu", "host" if accelerator == "kvm" else "max"],
        *["-smp", str(cpus), "-m", str(memory_mib)],
        *["-kernel", vmlinuz, "-initrd", initramfs],
        *["-append", " ".join(_KERNEL_ARGUMENTS)],
        *["-chardev", "file,id=console,path=" + console, "-serial", "chardev:console"],
        *["-chardev", "stdio,id=monitor,signal=off", "-mon", "monitor"],
        *["-device", "virtio-serial-pci"],
    ]


def _port(number, path):
    return [
        *["-chardev", "file,id=port%d,path=%s" % (number, path)],
        *["-device", "virtserialport,chardev=port%d,nr=%d" % (number, number)],
    ]


def _copy(source, target):
    """Until end of file; reads on when nobody reads the target, so that the guest can end."""
    for chunk in iter(lambda: os.read(source, 1 << 16), b""):
        try:
            while chunk:
                chunk = chunk[os.write(target, chunk) :]
        except BrokenPipeError:
            pass
    os.close(source)
