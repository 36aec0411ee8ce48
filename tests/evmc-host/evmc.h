/* The C structs of EVMC, written anew from the list of fields, sizes and offsets in evmc/src/abi: a second pair of eyes.
 * Compile with -DABI=7 to 12. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct { uint8_t bytes[20]; } address;
typedef struct { uint8_t bytes[32]; } word;

enum { CALL, DELEGATECALL, CALLCODE, CREATE, CREATE2 };
enum { STATIC = 1, EWASM = 2 };
enum { OPTION_SUCCESS, INVALID_NAME, INVALID_VALUE };
enum {
  SUCCESS = 0,
  FAILURE = 1,
  REVERT = 2,
  OUT_OF_GAS = 3,
  CALL_DEPTH_EXCEEDED = 10,
  STATIC_MODE_VIOLATION = 11,
  CONTRACT_VALIDATION_FAILURE = 13,
  ARGUMENT_OUT_OF_RANGE = 14,
  INTERNAL_ERROR = -1,
  REJECTED = -2
};

typedef struct {
  int kind;
  uint32_t flags;
  int32_t depth;
  int64_t gas;
  address recipient; /* destination until ABI 9 */
  address sender;
  const uint8_t *input_data;
  size_t input_size;
  word value;
  word create2_salt;
#if ABI >= 10
  address code_address;
#endif
#if ABI >= 12
  const uint8_t *code;
  size_t code_size;
#endif
} message;

typedef struct {
  word tx_gas_price;
  address tx_origin;
  address block_coinbase;
  int64_t block_number;
  int64_t block_timestamp;
  int64_t block_gas_limit;
  word prev_randao;
  word chain_id;
#if ABI >= 9
  word block_base_fee;
#endif
#if ABI >= 11
  word blob_base_fee;
  const word *blob_hashes;
  size_t blob_hashes_count;
#endif
#if ABI >= 12
  const void *initcodes;
  size_t initcodes_count;
#endif
} tx_context;

typedef struct result {
  int status;
  int64_t gas_left;
#if ABI >= 10
  int64_t gas_refund;
#endif
  const uint8_t *output_data;
  size_t output_size;
  void (*release)(const struct result *);
  address create_address;
  uint8_t padding[4];
} result;

#if ABI >= 10
typedef bool destroyed;
#else
typedef void destroyed;
#endif

typedef struct {
  bool (*account_exists)(void *, const address *);
  word (*get_storage)(void *, const address *, const word *);
  int (*set_storage)(void *, const address *, const word *, const word *);
  word (*get_balance)(void *, const address *);
  size_t (*get_code_size)(void *, const address *);
  word (*get_code_hash)(void *, const address *);
  size_t (*copy_code)(void *, const address *, size_t, uint8_t *, size_t);
  destroyed (*selfdestruct)(void *, const address *, const address *);
  result (*call)(void *, const message *);
  tx_context (*get_tx_context)(void *);
  word (*get_block_hash)(void *, int64_t);
  void (*emit_log)(void *, const address *, const uint8_t *, size_t, const word *, size_t);
#if ABI >= 8
  int (*access_account)(void *, const address *);
  int (*access_storage)(void *, const address *, const word *);
#endif
#if ABI >= 11
  word (*get_transient_storage)(void *, const address *, const word *);
  void (*set_transient_storage)(void *, const address *, const word *, const word *);
#endif
} host_interface;

typedef struct vm {
  int abi_version;
  const char *name;
  const char *version;
  void (*destroy)(struct vm *);
  result (*execute)(struct vm *, const host_interface *, void *, int, const message *, const uint8_t *, size_t);
  uint32_t (*get_capabilities)(struct vm *);
  int (*set_option)(struct vm *, const char *, const char *);
} vm;

/* As measured on EVMC's headers: size of message, context, result and host interface by ABI. */
#define OLD (ABI < 10)
_Static_assert(sizeof(message) == (OLD ? 144 : ABI < 12 ? 168 : 184), "message");
_Static_assert(sizeof(tx_context) == (ABI < 9 ? 160 : ABI < 11 ? 192 : ABI < 12 ? 240 : 256), "context");
_Static_assert(sizeof(result) == (OLD ? 64 : 72), "result");
_Static_assert(sizeof(host_interface) == (ABI < 8 ? 96 : ABI < 11 ? 112 : 128), "host interface");
_Static_assert(sizeof(vm) == 56, "vm");
_Static_assert(offsetof(message, gas) == 16 && offsetof(message, recipient) == 24, "message");
_Static_assert(offsetof(message, sender) == 44 && offsetof(message, input_data) == 64, "message");
_Static_assert(offsetof(message, value) == 80 && offsetof(message, create2_salt) == 112, "message");
_Static_assert(offsetof(tx_context, block_number) == 72 && offsetof(tx_context, chain_id) == 128, "context");
_Static_assert(offsetof(result, output_data) == (OLD ? 16 : 24), "result");
_Static_assert(offsetof(result, release) == (OLD ? 32 : 40), "result");
_Static_assert(offsetof(result, create_address) == (OLD ? 40 : 48), "result");
