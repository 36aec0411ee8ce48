// Accounts in storage: accounts add NAME AMOUNT, accounts move FROM TO AMOUNT, accounts show NAME. Moving is one act: another
// program, and a machine that stops in the middle, sees both accounts changed or neither. Needs a namespace of storage.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STORAGE(function) __attribute__((import_module("gristmill_storage"), import_name(#function))) extern uint32_t function

// What the functions do and return: engine/ext/storage/src/modern.rs. Space 0 is the first namespace that is granted.
STORAGE(get)(uint32_t space, const char *key, size_t key_len, void *value, size_t room, size_t *written);
STORAGE(increment)(uint32_t space, const char *key, size_t key_len, int64_t delta, int64_t *sum);
STORAGE(batch_begin)(uint32_t space);
STORAGE(batch_set)(const char *key, size_t key_len, const void *value, size_t value_len);
STORAGE(batch_commit)(void);

enum { OK = 0, NOT_FOUND = 1 };

static void check(uint32_t status, const char *what) {
  if (status == OK) return;
  fprintf(stderr, "%s: storage answers %u\n", what, status);
  exit(2);
}

static int64_t balance(const char *name) {
  int64_t sum = 0;
  size_t written;
  uint32_t status = get(0, name, strlen(name), &sum, sizeof sum, &written);
  if (status != NOT_FOUND) check(status, name);
  return sum;
}

int main(int argc, char **argv) {
  if (argc == 4 && strcmp(argv[1], "add") == 0) {
    int64_t sum;
    check(increment(0, argv[2], strlen(argv[2]), atoll(argv[3]), &sum), argv[2]);
    printf("%s %lld\n", argv[2], (long long)sum);
    return 0;
  }
  if (argc == 5 && strcmp(argv[1], "move") == 0 && strcmp(argv[2], argv[3]) != 0) {
    int64_t amount = atoll(argv[4]), from = balance(argv[2]), to = balance(argv[3]);
    if (amount < 0 || amount > from || __builtin_add_overflow(to, amount, &to)) {
      fprintf(stderr, "%s has %lld\n", argv[2], (long long)from);
      return 1;
    }
    from -= amount;
    check(batch_begin(0), "batch");
    check(batch_set(argv[2], strlen(argv[2]), &from, sizeof from), argv[2]);
    check(batch_set(argv[3], strlen(argv[3]), &to, sizeof to), argv[3]);
    check(batch_commit(), "batch");
    printf("%s %lld, %s %lld\n", argv[2], (long long)from, argv[3], (long long)to);
    return 0;
  }
  if (argc == 3 && strcmp(argv[1], "show") == 0) {
    printf("%s %lld\n", argv[2], (long long)balance(argv[2]));
    return 0;
  }
  fputs("add NAME AMOUNT, move FROM TO AMOUNT or show NAME\n", stderr);
  return 2;
}
