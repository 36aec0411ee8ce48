(module
  (memory (export "memory") 1)
  (global $g (mut i32) (i32.const 0))
  (func (export "main") (local $i i32)
    (loop $again
      (global.set $g (select (global.get $g) (i32.const 1) (i32.const 1)))
      (i32.store (i32.const 0) (i32.mul (i32.load (i32.const 0)) (i32.const 3)))
      (drop (i64.rotl (i64.shl (i64.extend_i32_u (i32.const 5)) (i64.const 3)) (i64.const 9)))
      (drop (i32.clz (i32.wrap_i64 (i64.const 1))))
      (drop (i32.div_u (memory.size) (i32.const 7)))
      (drop (i32.eqz (i32.xor (i32.const 1) (i32.const 2))))
      (block nop)
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 10000))))))
