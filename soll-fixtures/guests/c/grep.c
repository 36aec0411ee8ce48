// Prints the lines that have a text in them: grep TEXT [PATH...], folders with all that is in them, standard input without
// a path. Exit code 0 if there was one, 1 if not, 2 if a path could not be read. Needs the folders that hold the paths.

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *text;
static bool found, failed;

static void complain(const char *path) {
  fprintf(stderr, "%s: %s\n", path, strerror(errno));
  failed = true;
}

static void search(FILE *file, const char *name) {
  char *line = NULL;
  size_t room = 0;
  ssize_t length;
  for (long number = 1; (length = getline(&line, &room, file)) >= 0; number++) {
    if (strstr(line, text) == NULL) continue;
    found = true;
    if (name != NULL) printf("%s:%ld:", name, number);
    fputs(line, stdout);
    if (line[length - 1] != '\n') putchar('\n');
  }
  free(line);
}

static void search_path(const char *path);

static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static int is_inside(const struct dirent *entry) {
  return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static void search_folder(const char *path) {
  struct dirent **entries;
  int count = scandir(path, &entries, is_inside, by_name);
  if (count < 0) {
    complain(path);
    return;
  }
  for (int i = 0; i < count; i++) {
    char *inside;
    if (asprintf(&inside, "%s/%s", path, entries[i]->d_name) < 0) abort();
    search_path(inside);
    free(inside);
    free(entries[i]);
  }
  free(entries);
}

static void search_path(const char *path) {
  struct stat facts;
  FILE *file;
  if (stat(path, &facts) < 0) {
    complain(path);
  } else if (S_ISDIR(facts.st_mode)) {
    search_folder(path);
  } else if ((file = fopen(path, "r")) == NULL) {
    complain(path);
  } else {
    search(file, path);
    fclose(file);
  }
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fputs("grep TEXT [PATH...]\n", stderr);
    return 2;
  }
  text = argv[1];
  if (argc == 2) search(stdin, NULL);
  for (int i = 2; i < argc; i++) search_path(argv[i]);
  return failed ? 2 : found ? 0 : 1;
}
