#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"

cn_shared *cn_state;
int cn_supervisor;

static const char supervised[] = "MICA_SUPERVISED";
static volatile sig_atomic_t child;

static cn_shared *map_state(int fd) {
    int flags = fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED;
    void *page = mmap(NULL, sizeof(cn_shared), PROT_READ | PROT_WRITE, flags, fd, 0);
    return page == MAP_FAILED ? NULL : page;
}

int cn_adopt(void) {
    if (cn_state) return 0;
    int state_fd = -1, capture_fd = -1, parent = 0;
    const char *text = getenv(supervised);
    // Only believed from the process that really started us: the variable may have been handed on by a shell.
    if (text && sscanf(text, "%d,%d,%d", &parent, &state_fd, &capture_fd) == 3 && parent == getppid()) {
        cn_state = map_state(state_fd);
        close(state_fd);
        if (cn_state) {
            cn_supervisor = parent;
            cn_capture_fd = capture_fd;
            fcntl(capture_fd, F_SETFD, FD_CLOEXEC);
            // A killed supervisor must not leave a program behind that nobody can stop with the keyboard.
            prctl(PR_SET_PDEATHSIG, SIGHUP);
        }
    }
    unsetenv(supervised);
    if (!cn_state) cn_state = map_state(-1);
    return cn_state ? 0 : -1;
}

// ---- In the parent

/// Hands on what somebody sent to us alone; the kernel sends a terminal's signals to the whole group itself.
static void hand_on(int signal, siginfo_t *info, void *context) {
    (void)context;
    // A hangup reaches only the session's leader when that is us; the child ignores a second one.
    if (signal == SIGHUP || (info->si_code <= 0 && info->si_pid != child)) kill(child, signal);
}

/// The child stopped the whole group: stop as well, so that the shell sees its job stopped. Anybody else's request is the child's to
/// answer: it has a screen to leave first.
static void on_stop(int signal, siginfo_t *info, void *context) {
    (void)context;
    int error = errno;
    if (info->si_code <= 0 && info->si_pid != child) {
        kill(child, signal);
    } else {
        struct sigaction ours, standard = {.sa_handler = SIG_DFL};
        sigset_t stop;
        sigemptyset(&stop);
        sigaddset(&stop, signal);
        sigaction(signal, &standard, &ours);
        raise(signal);
        sigprocmask(SIG_UNBLOCK, &stop, NULL);
        sigaction(signal, &ours, NULL);
    }
    errno = error;
}

static void watch_signals(void) {
    struct sigaction action = {0};
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    action.sa_sigaction = hand_on;
    const int handed[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGWINCH, SIGUSR1, SIGUSR2};
    for (size_t i = 0; i < sizeof handed / sizeof *handed; i++) {
        struct sigaction now;
        if (sigaction(handed[i], NULL, &now) == 0 && now.sa_handler == SIG_IGN) continue;
        sigaction(handed[i], &action, NULL);
    }
    action.sa_sigaction = on_stop;
    sigaction(SIGTSTP, &action, NULL);
    // Restoring the terminal after the child's death must work from wherever we stand.
    signal(SIGTTOU, SIG_IGN);
}

static void explain(int signal, const char *report) {
    struct stat status;
    fprintf(stderr, "mica: ended by signal %d (%s); the terminal was restored.\n", signal, strsignal(signal));
    if (report && stat(report, &status) == 0 && status.st_size > 0) fprintf(stderr, "mica: crash report: %s\n", report);
}

/// Gives the terminal back if the child could not. Only while ours is the job in front: another one's modes are not ours to change.
static void clean_up(int status, const struct termios *modes, const char *report) {
    if (cn_in_foreground()) {
        cn_reset_terminal();
        struct termios now;
        if (tcgetattr(STDIN_FILENO, &now) == 0 && (now.c_lflag != modes->c_lflag || now.c_iflag != modes->c_iflag || now.c_oflag != modes->c_oflag))
            tcsetattr(STDIN_FILENO, TCSANOW, modes);
    }
    cn_show_captured(STDERR_FILENO);
    if (WIFSIGNALED(status)) explain(WTERMSIG(status), report);
}

_Noreturn static void supervise(const struct termios *modes, const char *report) {
    int status = 0;
    watch_signals();
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    clean_up(status, modes, report);
    _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

// ---- Starting the child

static void start_again(char *const *arguments, const char *const *environment, int state_fd, int capture_fd) {
    char text[64], path[4096];
    snprintf(text, sizeof text, "%d,%d,%d", getppid(), state_fd, capture_fd);
    setenv(supervised, text, 1);
    for (size_t i = 0; environment && environment[i]; i++) putenv((char *)environment[i]);
    // By its name where it still has one, so that process lists show it.
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length > 0) {
        path[length] = 0;
        execv(path, arguments);
    }
    execv("/proc/self/exe", arguments);
}

int cn_supervise(char *const *arguments, const char *const *environment, const char *report) {
    if (getenv(supervised)) {
        cn_adopt();
        if (cn_supervisor) return 1;
    }
    const char *off = getenv("MICA_NO_SUPERVISOR");
    if ((off && *off) || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) return 0;
    int state_fd = memfd_create("mica-state", 0), capture_fd = memfd_create("mica-output", 0);
    if (state_fd < 0 || capture_fd < 0 || ftruncate(state_fd, sizeof(cn_shared)) != 0) return 0;
    cn_state = map_state(state_fd);
    if (!cn_state || tcgetattr(STDIN_FILENO, &cn_saved_modes) != 0) return 0;
    cn_capture_fd = capture_fd;
    cn_input_fd = STDIN_FILENO;
    cn_output_fd = STDOUT_FILENO;
    struct termios modes = cn_saved_modes;
    fflush(NULL);
    child = fork();
    if (child > 0) supervise(&modes, report);
    if (child == 0) start_again(arguments, environment, state_fd, capture_fd);
    // Unsupervised is better than not at all.
    unsetenv(supervised);
    return 0;
}
