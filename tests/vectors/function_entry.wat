(module
  (memory (export "memory") 1)
  (func $f (param i32) (local i32 i64 i32))
  (func (export "main") (local $i i32)
    (loop $again
      (call $f (i32.const 7))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 10000))))))
