/* A host in C for the plugin: host LIBRARY CONTRACTS [quick]. CONTRACTS is a folder with NAME.wasm of contracts/NAME.wat;
 * quick repeats less, for valgrind. Ends with 0 when every check held. Compile with -DABI=7 to 12. */
#define _GNU_SOURCE
#include "evmc.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#define CHECK(what)                                                        \
  do {                                                                     \
    if (!(what)) {                                                         \
      fprintf(stderr, "ABI %d, line %d: not %s\n", ABI, __LINE__, #what);  \
      exit(1);                                                             \
    }                                                                      \
  } while (0)

enum { BYZANTIUM = 4, ISTANBUL = 7, BERLIN = 8, SLOTS = 8, SENT = 8 };

/* What a host does wrong. */
enum garbage {
  HONEST,
  NEGATIVE_GAS,
  NULL_OUTPUT,
  MUCH_GAS,
  ODD_STATUS,
  ODD_INTERNAL_STATUS,
  ODD_STORAGE,
  ODD_ACCESS,
  MUCH_CODE,
};

typedef struct {
  const uint8_t *data;
  size_t size;
} code;

typedef struct {
  vm *vm;
  code code; /* of every account */
  struct { word key, value; } slots[SLOTS];
  size_t slots_used;
  message sent[SENT];
  size_t sent_count;
  enum garbage garbage;
  size_t released;
  int deepest;
  char *lowest; /* of the stack, at the deepest call */
  char *highest;
  size_t logs;
} world;

static const char *folder;
static bool quick;

static code load(const char *name) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s.wasm", folder, name);
  FILE *file = fopen(path, "rb");
  CHECK(file != NULL);
  uint8_t *data = malloc(1 << 16);
  code code = {data, fread(data, 1, 1 << 16, file)};
  fclose(file);
  CHECK(code.size > 8);
  return code;
}

static address account(uint8_t number) {
  address a = {{0}};
  a.bytes[19] = number;
  return a;
}

static word zero_word(void) {
  word w = {{0}};
  return w;
}

/* The host's functions. */

static bool account_exists(void *context, const address *a) {
  (void)context;
  return a->bytes[19] != 0;
}

static word get_storage(void *context, const address *a, const word *key) {
  world *w = context;
  (void)a;
  for (size_t i = 0; i < w->slots_used; i++)
    if (!memcmp(&w->slots[i].key, key, sizeof *key)) return w->slots[i].value;
  return zero_word();
}

static int set_storage(void *context, const address *a, const word *key, const word *value) {
  world *w = context;
  (void)a;
  size_t i = 0;
  while (i < w->slots_used && memcmp(&w->slots[i].key, key, sizeof *key)) i++;
  CHECK(i < SLOTS);
  bool added = i == w->slots_used;
  w->slots_used += added;
  w->slots[i].key = *key;
  w->slots[i].value = *value;
  if (w->garbage == ODD_STORAGE) return 77;
  return added ? (OLD ? 3 : 1) : (OLD ? 1 : 3);
}

static word get_balance(void *context, const address *a) {
  (void)context, (void)a;
  word w = zero_word();
  w.bytes[31] = 200;
  return w;
}

static size_t get_code_size(void *context, const address *a) {
  (void)a;
  return ((world *)context)->code.size;
}

static word get_code_hash(void *context, const address *a) {
  (void)context, (void)a;
  return zero_word();
}

static size_t copy_code(void *context, const address *a, size_t offset, uint8_t *buffer, size_t size) {
  world *w = context;
  (void)a;
  if (w->garbage == MUCH_CODE) return size + 1;
  size_t rest = offset < w->code.size ? w->code.size - offset : 0;
  size_t n = rest < size ? rest : size;
  memcpy(buffer, w->code.data + offset, n);
  return n;
}

static destroyed selfdestruct(void *context, const address *a, const address *b) {
  (void)context, (void)a, (void)b;
#if ABI >= 10
  return true;
#endif
}

static world *releasing; /* one thread at a time uses results with a release function of ours */

static void release(const result *r) {
  releasing->released++;
  free((void *)r->output_data);
}

static result call(void *context, const message *m) {
  world *w = context;
  if (w->sent_count < SENT) w->sent[w->sent_count++] = *m;
  result r = {0};
  r.gas_left = m->gas / 2;
  r.create_address = account(0xaa);
  releasing = w;
  r.release = release;
  r.output_data = malloc(3);
  memcpy((void *)r.output_data, "abc", 3);
  r.output_size = 3;
  switch (w->garbage) {
    case NEGATIVE_GAS: r.gas_left = -1; break;
    case MUCH_GAS: r.gas_left = INT64_MAX; break;
    case ODD_STATUS: r.status = 1234; break;
    case ODD_INTERNAL_STATUS: r.status = -99; break;
    case NULL_OUTPUT: free((void *)r.output_data), r.output_data = NULL; break;
    default: break;
  }
  return r;
}

static tx_context get_tx_context(void *context) {
  (void)context;
  tx_context t;
  memset(&t, 0, sizeof t);
  t.block_number = 1000;
  t.block_timestamp = 77;
  t.block_gas_limit = 30000000;
  t.chain_id.bytes[31] = 5;
  memset(t.tx_origin.bytes, 0x0e, 20);
#if ABI >= 9
  t.block_base_fee.bytes[31] = 9;
#endif
  return t;
}

static word get_block_hash(void *context, int64_t number) {
  (void)context;
  word w = zero_word();
  w.bytes[31] = (uint8_t)number;
  return w;
}

static void emit_log(void *context, const address *a, const uint8_t *data, size_t size, const word *topics, size_t count) {
  world *w = context;
  CHECK(a->bytes[19] == 1 && size == 3 && !memcmp(data, "log", 3));
  CHECK(count == 1 && topics[0].bytes[0] == 'l');
  w->logs++;
}

#if ABI >= 8
static int access_account(void *context, const address *a) {
  (void)a;
  return ((world *)context)->garbage == ODD_ACCESS ? 2 : 1;
}

static int access_storage(void *context, const address *a, const word *key) {
  (void)a, (void)key;
  return ((world *)context)->garbage == ODD_ACCESS ? -1 : 1;
}
#endif

#if ABI >= 11
static word get_transient_storage(void *context, const address *a, const word *key) {
  return get_storage(context, a, key);
}

static void set_transient_storage(void *context, const address *a, const word *key, const word *value) {
  (void)context, (void)a, (void)key, (void)value;
}
#endif

static const host_interface table = {
    account_exists, get_storage, set_storage, get_balance, get_code_size, get_code_hash, copy_code, selfdestruct,
    call, get_tx_context, get_block_hash, emit_log,
#if ABI >= 8
    access_account, access_storage,
#endif
#if ABI >= 11
    get_transient_storage, set_transient_storage,
#endif
};

/* Runs the same code again, one deeper. All accounts are one here. */
static result call_deep(void *context, const message *m) {
  world *w = context;
  char here;
  if (m->depth > w->deepest) w->deepest = m->depth, w->lowest = &here;
  if (m->depth == 1) w->highest = &here;
  host_interface deep = table;
  deep.call = call_deep;
  return w->vm->execute(w->vm, &deep, w, BYZANTIUM, m, w->code.data, w->code.size);
}

/* Running. */

static void *library;

static vm *create_with(const char *symbol) {
  vm *(*create)(void);
  *(void **)&create = dlsym(library, symbol);
  CHECK(create != NULL);
  return create();
}

/* What runs code, and how memories are guarded; all results are the same. With guard pages the library stays loaded, as
   handlers of signals lie in it: those are last. */
static const struct setting {
  const char *engine, *memory;
} settings[] = {{"interp", "check"}, {"aot", "check"}, {"auto", "check"}, {"aot", "guard"}, {"auto", "guard"}};
static struct setting setting;

static vm *create(void) {
  vm *v = create_with("evmc_create_gristmill_abi" TEXT(ABI));
  CHECK(v != NULL && v->abi_version == ABI);
  CHECK(v->set_option(v, "engine", setting.engine) == OPTION_SUCCESS);
  CHECK(v->set_option(v, "memory", setting.memory) == OPTION_SUCCESS);
  return v;
}

static message plain(int64_t gas) {
  message m;
  memset(&m, 0, sizeof m);
  m.gas = gas;
  m.recipient = account(1);
  m.sender = account(2);
#if ABI >= 10
  m.code_address = account(1);
#endif
  return m;
}

static result run(world *w, int revision, message m, code code) {
  return w->vm->execute(w->vm, &table, w, revision, &m, code.data, code.size);
}

/* Frees through a copy elsewhere, with the original overwritten. */
static void finish(result *r) {
  CHECK((r->output_data == NULL) == (r->output_size == 0));
  for (int i = 0; i < 20; i++) CHECK(r->create_address.bytes[i] == 0);
  if (r->status != SUCCESS && r->status != REVERT) CHECK(r->gas_left == 0 && r->output_size == 0);
#if ABI >= 10
  if (r->status != SUCCESS) CHECK(r->gas_refund == 0);
#endif
  result *copy = malloc(sizeof *copy);
  *copy = *r;
  memset(r, 0xee, sizeof *r);
  if (copy->release) copy->release(copy);
  free(copy);
}

static void ends(world *w, int revision, message m, code code, int status) {
  result r = run(w, revision, m, code);
  if (r.status != status) fprintf(stderr, "status %d, not %d\n", r.status, status);
  CHECK(r.status == status);
  finish(&r);
}

static void identity_and_options(void) {
  vm *v = create();
  CHECK(v->name && *v->name && v->version && *v->version);
  CHECK(v->get_capabilities(v) == EWASM && v->set_option != NULL);
  CHECK(v->set_option(v, "nonsense", "1") == INVALID_NAME);
  CHECK(v->set_option(v, "nonsense", NULL) == INVALID_NAME);
  CHECK(v->set_option(v, "", NULL) == INVALID_NAME);
  CHECK(v->set_option(v, NULL, NULL) == INVALID_NAME);
  CHECK(v->set_option(v, "verbose", NULL) == INVALID_VALUE);
  CHECK(v->set_option(v, "engine", "wabt") == INVALID_VALUE);
  CHECK(v->set_option(v, "engine", "interp") == OPTION_SUCCESS);
  CHECK(v->set_option(v, "metering", "") == INVALID_VALUE);
  CHECK(v->set_option(v, "metering", "true") == OPTION_SUCCESS);
  CHECK(v->set_option(v, "features", "beyond") == (ABI < 11 ? INVALID_VALUE : OPTION_SUCCESS));
  CHECK(v->get_capabilities(v) == EWASM);
  v->destroy(v);

  setenv("GRISTMILL_EVMC_ABI", TEXT(ABI), 1);
  const char *symbols[] = {"evmc_create", "evmc_create_gristmill", "evmc_create_gristmill_evmc"};
  for (int i = 0; i < 3; i++) {
    v = create_with(symbols[i]);
    CHECK(v->abi_version == ABI);
    v->destroy(v);
  }
  setenv("GRISTMILL_EVMC_ABI", "6", 1);
  CHECK(create_with("evmc_create") == NULL);
  unsetenv("GRISTMILL_EVMC_ABI");
  v = create_with("evmc_create");
  CHECK(v->abi_version == 12);
  v->destroy(v);
}

static void storage_output_and_logs(void) {
  world w = {.vm = create(), .code = load("counter")};
  for (int i = 1; i <= 3; i++) {
    result r = run(&w, BYZANTIUM, plain(1000000), w.code);
    CHECK(r.status == SUCCESS && r.output_size == 32 && r.output_data[31] == i);
    CHECK(r.gas_left > 900000 && r.gas_left < 1000000);
    finish(&r);
  }
  CHECK(w.slots_used == 1 && w.slots[0].value.bytes[31] == 3 && w.logs == 3);
  message quiet = plain(1000000);
  quiet.flags = STATIC | 0xfffffff0u;
  ends(&w, BYZANTIUM, quiet, w.code, STATIC_MODE_VIOLATION);
  quiet.flags = 0xfffffffeu; /* nothing that we know */
  ends(&w, BYZANTIUM, quiet, w.code, SUCCESS);
  const int revisions[] = {-1, 0, ISTANBUL, BERLIN, 9, 10, 11, 12, 13, 14, 15, 99, 0x7fffffff};
  for (size_t i = 0; i < sizeof revisions / sizeof *revisions; i++)
    ends(&w, revisions[i], plain(1000000), w.code, SUCCESS);
  free((void *)w.code.data);

  w.code = load("context");
  result r = run(&w, BYZANTIUM, plain(1000000), w.code);
  CHECK(r.status == SUCCESS && r.output_size == 64);
  CHECK(r.output_data[0] == 0xe8 && r.output_data[1] == 3);           /* block number 1000 */
  CHECK(r.output_data[8] == 77 && r.output_data[16] == 5);            /* time, chain id */
  CHECK(r.output_data[32] == 0x0e && r.output_data[51] == 0x0e);      /* origin */
  CHECK(r.output_data[52] == 0 && r.output_data[56] == 200);          /* balance of 1 */
  finish(&r);
  free((void *)w.code.data);
  w.vm->destroy(w.vm);
}

static void odd_messages(void) {
  world w = {.vm = create(), .code = load("echo")};
  uint8_t input[5] = "hello";
  message m = plain(100000);
  m.input_data = input;
  m.input_size = 5;
  result r = run(&w, BYZANTIUM, m, w.code);
  CHECK(r.status == SUCCESS && r.output_size == 5 && !memcmp(r.output_data, "hello", 5));
  finish(&r);
  m.input_data = NULL;
  ends(&w, BYZANTIUM, m, w.code, INTERNAL_ERROR);
  r = run(&w, BYZANTIUM, plain(100000), w.code);
  CHECK(r.status == SUCCESS && r.output_data == NULL && r.output_size == 0);
  finish(&r);
  ends(&w, BYZANTIUM, plain(0), w.code, OUT_OF_GAS);
  ends(&w, BYZANTIUM, plain(-1), w.code, ARGUMENT_OUT_OF_RANGE);
  ends(&w, BYZANTIUM, plain(INT64_MIN), w.code, ARGUMENT_OUT_OF_RANGE);
  m = plain(100000);
  m.depth = 1024;
  ends(&w, BYZANTIUM, m, w.code, SUCCESS);
  m.depth = 1025;
  ends(&w, BYZANTIUM, m, w.code, CALL_DEPTH_EXCEEDED);
  m.depth = -1;
  ends(&w, BYZANTIUM, m, w.code, INTERNAL_ERROR);
  m.depth = 0;
  m.kind = 5;
  ends(&w, BYZANTIUM, m, w.code, REJECTED);
  m.kind = -7;
  ends(&w, BYZANTIUM, m, w.code, REJECTED);

  code none = {NULL, 7}, evm = {(const uint8_t *)"\xfe\x00", 2}, cut = {w.code.data, 9};
  r = run(&w, BYZANTIUM, plain(50), none);
  CHECK(r.status == SUCCESS && r.gas_left == 50);
  finish(&r);
  m = plain(65536);
  ends(&w, 15, plain(0), evm, REJECTED);
  m.kind = CREATE;
  ends(&w, 15, m, evm, REJECTED);
  CHECK(w.vm->set_option(w.vm, "evm1mode", "reject") == OPTION_SUCCESS);
  ends(&w, 15, m, evm, FAILURE);
  ends(&w, BYZANTIUM, plain(100000), cut, CONTRACT_VALIDATION_FAILURE);

  m = plain(100000);
  r = w.vm->execute(w.vm, NULL, NULL, BYZANTIUM, &m, w.code.data, w.code.size);
  CHECK(r.status == INTERNAL_ERROR);
  finish(&r);
  r = w.vm->execute(w.vm, &table, NULL, BYZANTIUM, NULL, w.code.data, w.code.size);
  CHECK(r.status == INTERNAL_ERROR);
  finish(&r);
  r = w.vm->execute(NULL, &table, NULL, BYZANTIUM, &m, w.code.data, w.code.size);
  CHECK(r.status == INTERNAL_ERROR);
  finish(&r);
  free((void *)w.code.data);

  w.code = load("revert");
  r = run(&w, BYZANTIUM, plain(100000), w.code);
  CHECK(r.status == REVERT && r.output_size == 4 && !memcmp(r.output_data, "oops", 4) && r.gas_left > 90000);
  finish(&r);
  free((void *)w.code.data);
  w.vm->destroy(w.vm);
}

/* What the host sees of the six kinds of message. */
static void sent_messages(void) {
  world w = {.vm = create(), .code = load("kinds")};
  message m = plain(10000000);
  m.value.bytes[31] = 6;
  result r = run(&w, BYZANTIUM, m, w.code);
  CHECK(r.status == SUCCESS && w.sent_count == 6 && w.released == 6);
  finish(&r);
  const int kinds[] = {CALL, CALLCODE, DELEGATECALL, CALL, CREATE, CREATE2};
  for (int i = 0; i < 6; i++) {
    const message *s = &w.sent[i];
    CHECK(s->kind == kinds[i] && s->depth == 1 && s->flags == (i == 3 ? STATIC : 0));
    bool borrowed = i == 1 || i == 2, creates = i > 3;
    CHECK(s->recipient.bytes[19] == (creates ? 0 : OLD || !borrowed ? 9 : 1));
    CHECK(s->sender.bytes[19] == (i == 2 ? 2 : 1));
    CHECK(s->value.bytes[31] == (i == 2 ? 6 : i == 3 ? 0 : 3));
    CHECK(s->create2_salt.bytes[31] == (i == 5 ? 0x5a : 0));
    CHECK(creates || (s->input_data == NULL && s->input_size == 0));
#if ABI >= 10
    CHECK(s->code_address.bytes[19] == (creates ? 0 : 9));
#endif
#if ABI >= 12
    CHECK(s->code == NULL && s->code_size == 0);
#endif
  }
  free((void *)w.code.data);
  w.vm->destroy(w.vm);
}

static void hostile_hosts(void) {
  code caller = load("caller"), counter = load("counter"), copier = load("copier");
  struct { enum garbage garbage; code code; int status, output; } rows[] = {
      {HONEST, caller, SUCCESS, 0},
      {NEGATIVE_GAS, caller, INTERNAL_ERROR, 0},
      {NULL_OUTPUT, caller, INTERNAL_ERROR, 0},
      {MUCH_GAS, caller, SUCCESS, 0},
      {ODD_STATUS, caller, SUCCESS, 1},
      {ODD_INTERNAL_STATUS, caller, SUCCESS, 1},
      {ODD_STORAGE, counter, INTERNAL_ERROR, 0},
      {HONEST, copier, SUCCESS, 0},
      {MUCH_CODE, copier, INTERNAL_ERROR, 0},
#if ABI >= 8
      {ODD_ACCESS, counter, INTERNAL_ERROR, 0},
#endif
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    world w = {.vm = create(), .code = rows[i].code, .garbage = rows[i].garbage};
    result r = run(&w, BERLIN, plain(1000000), rows[i].code);
    if (r.status != rows[i].status) fprintf(stderr, "row %zu: status %d\n", i, r.status);
    CHECK(r.status == rows[i].status && r.gas_left <= 1000000);
    if (r.status == SUCCESS) CHECK(r.output_data[0] == rows[i].output);
    CHECK(w.released == w.sent_count);
    finish(&r);
    w.vm->destroy(w.vm);
  }
  /* A table of nothing. */
  host_interface empty;
  memset(&empty, 0, sizeof empty);
  vm *v = create();
  const code codes[] = {caller, counter, copier};
  for (int i = 0; i < 3; i++) {
    message m = plain(1000000);
    result r = v->execute(v, &empty, NULL, BERLIN, &m, codes[i].data, codes[i].size);
    CHECK(r.status == INTERNAL_ERROR);
    finish(&r);
    free((void *)codes[i].data);
  }
  v->destroy(v);
}

/* Messages 1,024 deep on a stack of 8 MiB. */
static void *descend(void *unused) {
  (void)unused;
  world w = {.vm = create(), .code = load("recurse")};
  host_interface deep = table;
  deep.call = call_deep;
  message m = plain((int64_t)1 << 50);
  result r = w.vm->execute(w.vm, &deep, &w, BYZANTIUM, &m, w.code.data, w.code.size);
  CHECK(r.status == SUCCESS && w.deepest == 1024);
  finish(&r);
  long each = (w.highest - w.lowest) / (w.deepest - 1);
  printf("ABI %d: %ld bytes of native stack a message, with this host's part\n", ABI, each);
  CHECK(each > 0 && each <= 6 * 1024);
  free((void *)w.code.data);
  w.vm->destroy(w.vm);
  return NULL;
}

static void depth(void) {
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  CHECK(pthread_attr_setstacksize(&attributes, 8 << 20) == 0);
  CHECK(pthread_create(&thread, &attributes, descend, NULL) == 0);
  pthread_join(thread, NULL);
  pthread_attr_destroy(&attributes);
}

/* One VM, eight threads, the same code and code of their own. */
static code counter_code;

static void *thread_body(void *shared) {
  world w = {.vm = shared, .code = counter_code};
  code own = {NULL, counter_code.size + 11};
  own.data = malloc(own.size);
  memcpy((void *)own.data, counter_code.data, counter_code.size);
  int rounds = quick ? 20 : 2000;
  for (int i = 1; i <= rounds; i++) {
    /* A custom section: 9 bytes, a name of 0, and 8 bytes that no other thread or round has. */
    uint8_t *section = (uint8_t *)own.data + counter_code.size;
    memcpy(section, "\x00\x09\x00", 3);
    uint64_t number = (uint64_t)(uintptr_t)&w + (uint64_t)(i % 7);
    memcpy(section + 3, &number, 8);
    result r = run(&w, BYZANTIUM, plain(1000000), i % 3 ? counter_code : own);
    CHECK(r.status == SUCCESS && r.output_data[31] == (uint8_t)i);
    finish(&r);
    if (i % 64 == 0) CHECK(w.vm->set_option(w.vm, "cache", i % 128 ? "0" : "100000") == OPTION_SUCCESS);
  }
  free((void *)own.data);
  return NULL;
}

static void threads(void) {
  counter_code = load("counter");
  vm *v = create();
  pthread_t all[8];
  for (int i = 0; i < 8; i++) CHECK(pthread_create(&all[i], NULL, thread_body, v) == 0);
  for (int i = 0; i < 8; i++) pthread_join(all[i], NULL);
  v->destroy(v);
  free((void *)counter_code.data);
}

static long resident(void) {
  long size = 0, pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  CHECK(file != NULL && fscanf(file, "%ld %ld", &size, &pages) == 2);
  fclose(file);
  return pages * sysconf(_SC_PAGESIZE);
}

static void create_and_destroy(void) {
  world w = {.code = load("echo")};
  int times = quick ? 100 : 10000;
  long before = 0;
  for (int i = 0; i < times; i++) {
    if (i == times / 10) before = resident();
    w.vm = create();
    ends(&w, BYZANTIUM, plain(100000), w.code, SUCCESS);
    w.vm->destroy(w.vm);
  }
  long growth = resident() - before;
  if (growth > 1 << 20) fprintf(stderr, "%ld bytes more\n", growth);
  CHECK(quick || growth <= 1 << 20);
  free((void *)w.code.data);
}

int main(int count, char **arguments) {
  CHECK(count >= 3);
  folder = arguments[2];
  quick = count > 3;
  /* Unloads while idle, and works again. */
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
    setting = settings[i];
    /* Valgrind has no address space for 1,024 memories with their guards. */
    if (quick && strcmp(setting.memory, "guard") == 0) break;
    library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    if (!library) fprintf(stderr, "%s\n", dlerror());
    CHECK(library != NULL);
    identity_and_options();
    storage_output_and_logs();
    odd_messages();
    sent_messages();
    hostile_hosts();
    depth();
    threads();
    if (i == 0) create_and_destroy();
    CHECK(dlclose(library) == 0);
    void *still = dlopen(arguments[1], RTLD_NOW | RTLD_NOLOAD);
    CHECK((still != NULL) == (strcmp(setting.memory, "guard") == 0));
  }
  printf("ABI %d: all checks held\n", ABI);
  return 0;
}
