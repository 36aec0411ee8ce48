;; One contract for all benchmarks of the interface: it repeats the function that its call data names.
;;
;; Call data: 0 which (i32), 4 times (i32), 8 a number that the function takes (i32), 12 an address, 32 a value of 16 bytes; at
;; 80 what is copied, or what calls send, which are 80 bytes. It lies at 0 of memory; from 131072 on there is nothing.
(module
  (import "ethereum" "callDataCopy" (func $callDataCopy (param i32 i32 i32)))
  (import "ethereum" "getBlockDifficulty" (func $getBlockDifficulty (param i32)))
  (import "ethereum" "getExternalBalance" (func $getExternalBalance (param i32 i32)))
  (import "ethereum" "externalCodeCopy" (func $externalCodeCopy (param i32 i32 i32 i32)))
  (import "ethereum" "getBlockHash" (func $getBlockHash (param i64 i32) (result i32)))
  (import "ethereum" "storageLoad" (func $storageLoad (param i32 i32)))
  (import "ethereum" "storageStore" (func $storageStore (param i32 i32)))
  (import "ethereum" "log" (func $log (param i32 i32 i32 i32 i32 i32 i32)))
  (import "ethereum" "call" (func $call (param i64 i32 i32 i32 i32) (result i32)))
  (import "ethereum" "create2" (func $create2 (param i32 i32 i32 i32 i32) (result i32)))
  (import "ethereum" "selfDestruct" (func $selfDestruct (param i32)))
  (memory (export "memory") 4)
  (type $repeated (func (param i32 i32)))
  (table funcref (elem
    $operators $plain $bytes $account $code $hash $load $store $logs $calls $creations $destruction))

  (func (export "main")
    (call $callDataCopy (i32.const 0) (i32.const 0) (i32.const 80))
    (call_indirect (type $repeated)
      (i32.load (i32.const 4)) (i32.load (i32.const 8)) (i32.load (i32.const 0))))

  ;; 0: the operators that take longest for their gas; `heaviest` in pallet/bench has the others.
  (func $nothing)
  (func $operators (param $times i32) (param i32)
    (if (i32.eqz (local.get $times)) (then (return)))
    (loop $again
      (call $nothing) (call $nothing) (call $nothing) (call $nothing)
      (call $nothing) (call $nothing) (call $nothing) (call $nothing)
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))

  ;; 1: what answers from the message or the block.
  (func $plain (param $times i32) (param i32)
    (if (i32.eqz (local.get $times)) (then (return)))
    (loop $again
      (call $getBlockDifficulty (i32.const 196608))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))

  ;; 2: copies of nothing, and one of so many bytes.
  (func $bytes (param $times i32) (param $length i32)
    (call $callDataCopy (i32.const 80) (i32.const 80) (local.get $length))
    (if (i32.eqz (local.get $times)) (then (return)))
    (loop $again
      (call $callDataCopy (i32.const 0) (i32.const 0) (i32.const 0))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))

  ;; 3: an account that was looked at before.
  (func $account (param $times i32) (param i32)
    (call $getExternalBalance (i32.const 12) (i32.const 196608))
    (if (i32.eqz (local.get $times)) (then (return)))
    (loop $again
      (call $getExternalBalance (i32.const 12) (i32.const 196608))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))

  ;; 4: copies of nothing of its code, and one of so many bytes.
  (func $code (param $times i32) (param $length i32)
    (call $externalCodeCopy (i32.const 12) (i32.const 80) (i32.const 0) (local.get $length))
    (if (i32.eqz (local.get $times)) (then (return)))
    (loop $again
      (call $externalCodeCopy (i32.const 12) (i32.const 0) (i32.const 0) (i32.const 0))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))

  ;; 5: hashes of the blocks before the one of that number.
  (func $hash (param $times i32) (param $number i32)
    (if (i32.eqz (local.get $times)) (then (return)))
    (loop $again
      (drop (call $getBlockHash
        (i64.extend_i32_u (i32.sub (local.get $number) (local.get $times))) (i32.const 196608)))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))

  ;; 6: a slot that was looked at before.
  (func $load (param $times i32) (param i32)
    (call $storageLoad (i32.const 131072) (i32.const 196608))
    (if (i32.eqz (local.get $times)) (then (return)))
    (loop $again
      (call $storageLoad (i32.const 131072) (i32.const 196608))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))

  ;; 7: that slot, each time something else.
  (func $store (param $times i32) (param i32)
    (call $storageLoad (i32.const 131072) (i32.const 196608))
    (if (i32.eqz (local.get $times)) (then (return)))
    (loop $again
      (i32.store (i32.const 196608) (local.get $times))
      (call $storageStore (i32.const 131072) (i32.const 196608))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))

  ;; 8: logs of nothing under four topics, and one of so many bytes.
  (func $logs (param $times i32) (param $length i32)
    (call $log (i32.const 80) (local.get $length)
      (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    (if (i32.eqz (local.get $times)) (then (return)))
    (loop $again
      (call $log (i32.const 0) (i32.const 0)
        (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))

  ;; 9: calls of the address with the value.
  (func $calls (param $times i32) (param i32)
    (call $callDataCopy (i32.const 80) (i32.const 80) (i32.const 80))
    (if (i32.eqz (local.get $times)) (then (return)))
    (loop $again
      (if (call $call (i64.const 1000000) (i32.const 12) (i32.const 32) (i32.const 80) (i32.const 80))
        (then (unreachable)))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))

  ;; 10: creations of nothing, and one of so many bytes that are no code.
  (func $creations (param $times i32) (param $length i32)
    (drop (call $create2 (i32.const 131072) (i32.const 1024) (local.get $length) (i32.const 131072) (i32.const 196608)))
    (if (i32.eqz (local.get $times)) (then (return)))
    (loop $again
      (i32.store (i32.const 131072) (local.get $times))
      (drop (call $create2 (i32.const 131088) (i32.const 1024) (i32.const 0) (i32.const 131072) (i32.const 196608)))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))

  ;; 11: the end.
  (func $destruction (param i32 i32)
    (call $selfDestruct (i32.const 12))))
