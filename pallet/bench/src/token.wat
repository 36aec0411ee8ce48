;; A token, as small as it can be: what it does in a transfer is what the Solidity token does. `token-seal.wat` and
;; `token-eei.wat` go before it, and give it one interface over two.
;;
;; Balances have 256 bits, little-endian, under the keccak256 of the owner's account and the mapping's slot, 0. Call data: 32 bytes
;; of account and 32 of amount. The constructor gives its caller as much as there is.

;; 0 to, 32 amount; 64 from and 96 the slot; 128 to and 160 the slot; 192 key of from, 224 key of to; 256 balance of from,
;; 288 balance of to; 320 length; 352 the event's topics: their number (as SCALE has it), the event, from, to; 512 one.
(data (i32.const 352) "\0c")
;; keccak256 of Transfer(address,address,uint256).
(data (i32.const 353)
  "\dd\f2\52\ad\1b\e2\c8\9b\69\c2\b0\68\fc\37\8d\aa\95\2b\a7\f1\63\c4\a1\16\28\f5\5a\4d\f5\23\b3\ef")
(data (i32.const 512) "\01")

(func $copy (param $to i32) (param $from i32)
  (i64.store (local.get $to) (i64.load (local.get $from)))
  (i64.store offset=8 (local.get $to) (i64.load offset=8 (local.get $from)))
  (i64.store offset=16 (local.get $to) (i64.load offset=16 (local.get $from)))
  (i64.store offset=24 (local.get $to) (i64.load offset=24 (local.get $from))))

;; Takes amount off the number at $at; whether it was too little.
(func $subtract (param $at i32) (result i32)
  (local $limb i32) (local $borrow i64) (local $a i64) (local $b i64)
  (loop $again
    (local.set $a (i64.load (i32.add (local.get $at) (local.get $limb))))
    (local.set $b (i64.load offset=32 (local.get $limb)))
    (i64.store (i32.add (local.get $at) (local.get $limb))
      (i64.sub (i64.sub (local.get $a) (local.get $b)) (local.get $borrow)))
    (local.set $borrow (i64.extend_i32_u (i32.or
      (i64.lt_u (local.get $a) (local.get $b))
      (i64.lt_u (i64.sub (local.get $a) (local.get $b)) (local.get $borrow)))))
    (local.set $limb (i32.add (local.get $limb) (i32.const 8)))
    (br_if $again (i32.lt_u (local.get $limb) (i32.const 32))))
  (i32.wrap_i64 (local.get $borrow)))

;; Adds amount to the number at $at; whether it was too much.
(func $add (param $at i32) (result i32)
  (local $limb i32) (local $carry i64) (local $a i64) (local $sum i64)
  (loop $again
    (local.set $a (i64.load (i32.add (local.get $at) (local.get $limb))))
    (local.set $sum (i64.add (local.get $a) (i64.load offset=32 (local.get $limb))))
    (i64.store (i32.add (local.get $at) (local.get $limb)) (i64.add (local.get $sum) (local.get $carry)))
    (local.set $carry (i64.extend_i32_u (i32.or
      (i64.lt_u (local.get $sum) (local.get $a))
      (i64.lt_u (i64.add (local.get $sum) (local.get $carry)) (local.get $sum)))))
    (local.set $limb (i32.add (local.get $limb) (i32.const 8)))
    (br_if $again (i32.lt_u (local.get $limb) (i32.const 32))))
  (i32.wrap_i64 (local.get $carry)))

;; Reads the balance under the key; nothing stored is nothing.
(func $balance (param $key i32) (param $to i32)
  (i32.store (i32.const 320) (i32.const 32))
  (drop (call $get (local.get $key) (local.get $to) (i32.const 320))))

(func $sender
  (i32.store (i32.const 320) (i32.const 32))
  (call $caller (i32.const 64) (i32.const 320))
  (call $keccak (i32.const 64) (i32.const 64) (i32.const 192)))

(func $deploy
  (call $sender)
  (i64.store offset=24 (i32.const 256) (i64.const 0x0fffffffffffffff))
  (call $set (i32.const 192) (i32.const 256) (i32.const 32)))

(func $transfer
  (i32.store (i32.const 320) (i32.const 64))
  (call $input (i32.const 0) (i32.const 320))
  (if (i32.ne (i32.load (i32.const 320)) (i32.const 64)) (then (unreachable)))
  (call $sender)
  (call $balance (i32.const 192) (i32.const 256))
  (if (call $subtract (i32.const 256)) (then (call $return (i32.const 1) (i32.const 0) (i32.const 0))))
  (call $set (i32.const 192) (i32.const 256) (i32.const 32))
  (call $copy (i32.const 128) (i32.const 0))
  (call $keccak (i32.const 128) (i32.const 64) (i32.const 224))
  (call $balance (i32.const 224) (i32.const 288))
  (if (call $add (i32.const 288)) (then (call $return (i32.const 1) (i32.const 0) (i32.const 0))))
  (call $set (i32.const 224) (i32.const 288) (i32.const 32))
  (call $copy (i32.const 385) (i32.const 64))
  (call $copy (i32.const 417) (i32.const 0))
  (call $event (i32.const 352) (i32.const 97) (i32.const 32) (i32.const 32))
  (call $return (i32.const 0) (i32.const 512) (i32.const 32)))
