#include "options.h"

static const char HELP[] =
    "Usage: forkexec init [options] [--] program [args...]\n"
    "\n"
    "Runs a program as the first process of a container does, or a subreaper elsewhere: waits for\n"
    "orphans, passes signals on, ends with the program's exit code (128 + n for signal n), and "
    "ends\n"
    "what the program has left.\n"
    "\n"
    "Options:\n"
    "  -g, --group                 pass signals on to the program's process group\n"
    "  -p, --parent-death SIGNAL   the signal that the program gets when the parent ends\n"
    "  -r, --rewrite FROM:TO       pass on another signal in place of one; 0 for none\n"
    "  -e, --exit-code-ok CODE     end with 0 where the program ends with this code\n"
    "      --kill-after TIME       how long after SIGTERM what is left is killed (default: 5s)\n"
    "  -h, --help                  print this help\n"
    "\n"
    "A signal is a name or a number: TERM, SIGTERM, 15, RTMIN+1. A time is 500ms, 10s, 5m or 1h.\n";

static const char *const NAMES[] = {
    NULL,   "HUP",  "INT",  "QUIT", "ILL",    "TRAP",   "ABRT",  "BUS",  "FPE",  "KILL", "USR1",
    "SEGV", "USR2", "PIPE", "ALRM", "TERM",   "STKFLT", "CHLD",  "CONT", "STOP", "TSTP", "TTIN",
    "TTOU", "URG",  "XCPU", "XFSZ", "VTALRM", "PROF",   "WINCH", "IO",   "PWR",  "SYS"};

/* RTMIN of the C libraries, which keep the first two real-time signals for themselves. */
#define RTMIN 34

static char upper(char letter) {
  return letter >= 'a' && letter <= 'z' ? (char)(letter - 'a' + 'A') : letter;
}

/* What follows a name, in upper or lower case, or NULL. */
static const char *after_name(const char *text, const char *name) {
  for (; *name != '\0'; name++, text++) {
    if (upper(*text) != *name)
      return NULL;
  }
  return text;
}

/* A signal up to `stop`; -1 where it is none. */
static int signal_of(const char *text, char stop) {
  const char *end;
  long number = text_number(text, &end);
  if (number >= 0)
    return *end == stop && number <= S_LAST ? (int)number : -1;
  const char *name = after_name(text, "SIG");
  if (name == NULL)
    name = text;
  for (int i = 1; i < (int)(sizeof NAMES / sizeof *NAMES); i++) {
    end = after_name(name, NAMES[i]);
    if (end != NULL && *end == stop)
      return i;
  }
  end = after_name(name, "RTMIN");
  if (end == NULL)
    return -1;
  if (*end == stop)
    return RTMIN;
  if (*end != '+')
    return -1;
  number = text_number(end + 1, &end);
  return number >= 0 && *end == stop && RTMIN + number <= S_LAST ? (int)(RTMIN + number) : -1;
}

/* Milliseconds; -1 where the text is no time. */
static long time_of(const char *text) {
  static const struct {
    const char *unit;
    long milliseconds;
  } units[] = {{"ms", 1}, {"", 1000}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
  const char *end;
  long number = text_number(text, &end);
  for (size_t i = 0; number >= 0 && i < sizeof units / sizeof *units; i++) {
    if (text_equals(end, units[i].unit))
      return number * units[i].milliseconds;
  }
  return -1;
}

static _Noreturn void refuse(const char *option, const char *value, const char *wanted) {
  say("forkexec init: ", option, ": '", value, "' is not ", wanted, "\n", NULL);
  leave(FAILED);
}

static void read_rewrite(struct options *options, const char *option, const char *value) {
  const char *to = value;
  while (*to != '\0' && *to != ':')
    to++;
  int from = signal_of(value, ':'), given = *to == ':' ? signal_of(to + 1, '\0') : -1;
  if (from <= 0 || given < 0)
    refuse(option, value, "FROM:TO, two signals");
  options->give[from] = (unsigned char)given;
}

/* An option with a value. */
static void read_value(struct options *options, const char *option, const char *value) {
  const char *end;
  if (text_equals(option, "-p") || text_equals(option, "--parent-death")) {
    options->parent_death = signal_of(value, '\0');
    if (options->parent_death <= 0)
      refuse(option, value, "a signal");
  } else if (text_equals(option, "-r") || text_equals(option, "--rewrite")) {
    read_rewrite(options, option, value);
  } else if (text_equals(option, "--kill-after")) {
    options->grace = time_of(value);
    if (options->grace < 0)
      refuse(option, value, "a time such as 500ms, 10s or 5m");
  } else {
    long code = text_number(value, &end);
    if (code < 0 || code > 255 || *end != '\0')
      refuse(option, value, "an exit code from 0 to 255");
    options->fine[code] = 1;
  }
}

static int has_value(const char *option) {
  static const char *const with[] = {"-p", "--parent-death", "-r",          "--rewrite",
                                     "-e", "--exit-code-ok", "--kill-after"};
  for (size_t i = 0; i < sizeof with / sizeof *with; i++) {
    if (text_equals(option, with[i]))
      return 1;
  }
  return 0;
}

/* An option without a value. */
static void read_flag(struct options *options, const char *option) {
  if (text_equals(option, "-h") || text_equals(option, "--help")) {
    const long standard_output = 1;
    CALL(SYS_write, standard_output, (long)HELP, sizeof HELP - 1);
    leave(0);
  }
  if (!text_equals(option, "-g") && !text_equals(option, "--group")) {
    say("forkexec init: unknown option '", option, "' (forkexec init --help)\n", NULL);
    leave(FAILED);
  }
  options->group = 1;
}

void read_options(struct options *options, char **words) {
  options->grace = 5000;
  for (int number = 1; number <= S_LAST; number++)
    options->give[number] = (unsigned char)number;
  for (; *words != NULL && (*words)[0] == '-' && (*words)[1] != '\0'; words++) {
    if (text_equals(*words, "--")) {
      words++;
      break;
    }
    if (!has_value(*words)) {
      read_flag(options, *words);
      continue;
    }
    if (words[1] == NULL) {
      say("forkexec init: ", *words, " needs a value\n", NULL);
      leave(FAILED);
    }
    read_value(options, words[0], words[1]);
    words++;
  }
  if (*words == NULL) {
    say("forkexec init: a program is missing (forkexec init --help)\n", NULL);
    leave(FAILED);
  }
  options->program = words;
}
